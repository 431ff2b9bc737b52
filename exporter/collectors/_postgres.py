"""What PostgreSQL's collectors share: filters, checks of settings and rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from exporter.collector import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.sources.postgres import PostgresSource

_SETTINGS = """
select name, setting from pg_settings where name = any(%s) order by name
"""
WAL_POSITION = """case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
        else pg_current_wal_lsn() end"""
NO_POSITION = "null::pg_lsn"
_RIGHTS = """
select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as all_stats,
    quote_ident(current_user) as role
"""


class Names(Protocol):
    """Names to keep and names to leave out, as the configuration has them."""

    @property
    def include(self) -> tuple[str, ...]:
        """Names to keep; empty keeps all."""

    @property
    def exclude(self) -> tuple[str, ...]:
        """Names to leave out."""


class _Setting(NamedTuple):
    name: str
    setting: str


class _Rights(NamedTuple):
    all_stats: bool
    role: str


def keeps(names: Names, name: str | None) -> bool:
    """Tell whether a database's, a schema's or a user's name passes a filter."""
    included = not names.include or name in names.include
    return included and name not in names.exclude


async def settings_off(source: PostgresSource, wanted: dict[str, str]) -> list[Finding]:
    """Find the settings that are off; `wanted` says what is missing without each."""
    found = await source.fetch(_Setting, _SETTINGS, (list(wanted),))
    return [
        Finding(
            wanted[name],
            f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();",
        )
        for name, setting in found
        if setting == "off"
    ]


async def hidden_statistics(source: PostgresSource, missing: str) -> list[Finding]:
    """Find that other roles' sessions and statements are hidden from ours."""
    (rights,) = await source.fetch(_Rights, _RIGHTS)
    fix = f"GRANT pg_monitor TO {rights.role};"
    return [] if rights.all_stats else [Finding(missing, fix)]


async def refusals(
    source: PostgresSource, parts: Iterable[str], missing: str
) -> list[Finding]:
    """Find what is missing because a managed service refuses some parts of a query."""
    found = [await source.offered.refusal(source, part) for part in parts]
    said = {refusal.message: refusal.fix for refusal in found if refusal}
    return [
        Finding(f"{missing}: {message}", fix or "none where the service refuses it")
        for message, fix in said.items()
    ]


def unread_databases(source: PostgresSource) -> list[Finding]:
    """Find the databases that the latest read through all of them did not reach."""
    coverage = source.coverage
    findings = [
        Finding(str(error), error.fix or f"mend that first ({error.reason})")
        for error in coverage.failed.values()
    ]
    if coverage.beyond:
        missing = f"{len(coverage.beyond)} databases, among them {coverage.beyond[0]}"
        fix = "raise the target's `connections`, or name the databases in `databases`"
        findings.append(Finding(missing, fix))
    return findings
