"""What stands beside the verdicts: statements, indexes, plans, platforms' advice.

Which KPI says it, and under which heading, is written here. What it says, and its
limits, are the catalogue's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.profiles import Profile
from exporter.render.rules import who_label
from exporter.render.words import shown
from exporter.report.model import Advice, Section, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.report.model import Line, Row

    Causes = Mapping[str, Mapping[str, tuple[str, ...]]]

_MOST = 20


class Heading(NamedTuple):
    """A section, and the KPIs whose evidence it shows; `whole` takes all the period."""

    title: str
    kpis: tuple[str, ...]
    whole: bool = False


HEADINGS = (
    Heading(
        "Top statements",
        ("db_query_p95", "pg_statement_mean", "redis_busy"),
        whole=True,
    ),
    Heading(
        "Index advice",
        (
            *("pg_index_invalid", "pg_index_missing", "pg_index_wanted"),
            *("pg_index_unused", "pg_index_covered", "pg_index_bloat"),
            *("neo4j_index_missing", "neo4j_index_not_online", "neo4j_index_failed"),
            *("neo4j_index_twins", "neo4j_index_unused", "neo4j_plan_scans"),
        ),
    ),
    Heading(
        "Plan changes", ("pg_plan_regressed", "neo4j_plan_changes", "neo4j_plan_worse")
    ),
)


class Rule(NamedTuple):
    """An advice of the platforms, given where a KPI is beyond its limit."""

    kpi: str
    title: str


ADVICE = (
    Rule("cache_hit_rate", "Raise the TTL of what changes rarely"),
    Rule("redis_hit_rate", "Raise the TTL of what changes rarely"),
    Rule("cpu_used", "Scale: the CPU is near its end"),
    Rule("memory_used", "Make room: memory is near its end"),
    Rule("pg_statement_mean", "Look for an index: statements are slow on average"),
    Rule("neo4j_plan_scans", "Make the index that these queries need"),
    Rule("pg_index_missing", "Make the index that is expected"),
    Rule("neo4j_index_missing", "Make the index that is expected"),
)
_STATING = Profile.MCP_V2
"""The platform whose module gives the advice, with its limits where ours has none."""


def evidence_of(line: Line) -> bool:
    """Whether a line's evidence is wanted beside its verdict."""
    return line.verdict is Verdict.BROKEN or line.kpi.id in {r.kpi for r in ADVICE}


def sections(
    lines: Sequence[Line], causes: Causes, refused: Mapping[str, str]
) -> Iterator[Section]:
    """Make the lists; `causes` are lines of evidence by KPI and by whom.

    `refused` says by KPI why there was no answer about its evidence.
    """
    by_id = {line.kpi.id: line for line in lines}
    for heading in HEADINGS:
        mine = [by_id[name] for name in heading.kpis if name in by_id]
        found = [text for each in mine for text in _findings(each, causes)]
        silent = [line for line in mine if line.verdict is Verdict.NO_DATA]
        why = "nothing is to be said"
        if silent and len(silent) == len(mine):
            why = "; ".join(dict.fromkeys(line.why for line in silent))
        elif missing := [refused[n] for n in heading.kpis if n in refused]:
            why = f"not answered: {'; '.join(dict.fromkeys(missing))}"
        yield Section(heading.title, tuple(found[:_MOST]), "" if found else why)


def _findings(line: Line, causes: Causes) -> Iterator[str]:
    named = causes.get(line.kpi.id, {})
    for who, texts in named.items():
        for text in texts:
            yield f"{who}: {line.kpi.title}: {text}"
    if line.kpi.evidence is None:
        for row in line.rows:
            if row.verdict is Verdict.BROKEN:
                yield f"{who_of(line.kpi, row)}: {line.kpi.title}"


def who_of(kpi: Kpi, row: Row) -> str:
    """Name whom a row is about: the target or application, and what of it."""
    names = (who_label(kpi), *kpi.by)
    return " ".join(filter(None, (row.labels.get(name, "") for name in names)))


def advice(lines: Sequence[Line], causes: Causes) -> Iterator[Advice]:
    """Yield what to do where figures are beyond the limit that its advice has."""
    by_id = {line.kpi.id: line for line in lines}
    for rule in ADVICE:
        line = by_id.get(rule.kpi)
        rows = [row for row in line.rows if _beyond(line.kpi, row)] if line else []
        if line is None or not rows:
            continue
        whose = [row.labels.get(who_label(line.kpi), "") for row in rows]
        named = causes.get(rule.kpi, {})
        texts = [f"{who_of(line.kpi, row)}: {_figure(line.kpi, row)}" for row in rows]
        texts += [text for who in dict.fromkeys(whose) for text in named.get(who, ())]
        who = ", ".join(dict.fromkeys(filter(None, whose)))
        how = " ".join(line.kpi.runbook.split())
        yield Advice(rule.title, who, tuple(texts[:_MOST]), how)


def _limit(row: Row, kpi: Kpi) -> float | None:
    """Return the limit of a row's promise, else that of who gives the advice."""
    if row.limit is not None:
        return row.limit
    return next((a.limit for a in kpi.alerts_of(_STATING)), None)


def _beyond(kpi: Kpi, row: Row) -> bool:
    """Whether it was broken, or the period's mean is beyond the limit."""
    limit = _limit(row, kpi)
    if row.verdict is Verdict.BROKEN or limit is None:
        return row.verdict is Verdict.BROKEN
    mean = sum(value for _, value in row.points) / len(row.points)
    return mean > limit if kpi.better == "lower" else mean < limit


def _figure(kpi: Kpi, row: Row) -> str:
    value, worst = (shown(each, kpi.unit) for each in (row.value, row.worst))
    limit = _limit(row, kpi)
    bound = "" if limit is None else f", the limit is {shown(limit, kpi.unit)}"
    return f"{kpi.title}: {value} now, {worst} at worst{bound}"
