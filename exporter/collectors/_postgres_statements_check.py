"""Finds what keeps pg_stat_statements from telling all that it could."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Finding
from exporter.collectors._postgres import hidden_statistics, refusals, settings_off
from exporter.collectors._postgres_monitor import PLACE, TRIED
from exporter.sources.postgres_extension import identifier

if TYPE_CHECKING:
    from exporter.sources.postgres import PostgresSource

VIEW = "pg_stat_statements"
INSTALLED = """
select current_setting('pg_stat_statements.track', true) as track,
    installed_version <> default_version as outdated
from pg_available_extensions where name = %s
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """How the extension is set, and whether it is older than its server's files."""

    track: str | None
    outdated: bool | None


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find what keeps statements or their times from being counted or seen."""
    findings = [
        *await hidden_statistics(source, "other roles' statements count as other only"),
        *await settings_off(
            source,
            {
                "track_io_timing": "block_read_seconds and block_write_seconds stay 0",
                "compute_query_id": "no statement is counted",
            },
        ),
    ]
    await source.log.added()
    if source.log.problem:
        fix = "let the exporter's user read it, or mend `log`"
        findings.append(Finding(source.log.problem, fix))
    for (name,) in await source.tuples(PLACE):
        tried = [TRIED.format(schema=identifier(name))]
        missing = "pg_stat_monitor, so that durations are estimated"
        findings += await refusals(source, tried, missing)
    (state,) = await source.fetch(Installed, INSTALLED, (VIEW,))
    if state.track == "none":
        fix = (
            "ALTER SYSTEM SET pg_stat_statements.track = top; SELECT pg_reload_conf();"
        )
        findings.append(Finding("no statement is counted", fix))
    if state.outdated:
        fix = f"ALTER EXTENSION {VIEW} UPDATE;"
        findings.append(Finding("the extension is older than its server", fix))
    return findings
