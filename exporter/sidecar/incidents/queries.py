"""What Prometheus is asked about an incident, and what its answers mean; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import SourceKind
from exporter.render.rules import record_name, who_label
from exporter.sidecar.incidents.incident import Change, Comparison, Series
from exporter.sidecar.incidents.rank import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.catalogue.model import Kpi

HOUR = 3600.0
"""How far back evidence looks, and how long ago `before` is."""
_POINTS = 120
_GRAIN = 5.0  # seconds
_MOST_SERIES = 20
_MOST = 10  # of a comparison
_LONGEST = 300  # characters of a label


class Measure(NamedTuple):
    """What is compared with an hour ago at targets of one kind.

    `text` is an expression whose series give the label of that name to what is shown
    by the label `by`. `rest` is the value of `by` that stands for all that has no name
    of its own: it counts in the whole and is not shown.
    """

    kind: Kind
    source: SourceKind
    title: str
    unit: str
    by: str
    expr: str
    text: str = ""
    rest: str = "other"


MEASURES = (
    Measure(
        Kind.STATEMENT,
        SourceKind.POSTGRES,
        "Statements by the time they take",
        "s/s",
        "queryid",
        "sum by (target, queryid) (rate(pg_stat_statements_seconds_total"
        '{{target="{}"}}[5m]))',
        'group by (queryid, query) (pg_stat_statements_query_id{{target="{}"}})',
    ),
    Measure(
        Kind.COMMAND,
        SourceKind.REDIS,
        "Commands by the time they take",
        "s/s",
        "cmd",
        "sum by (target, cmd) (rate(redis_commands_duration_seconds_total"
        '{{target="{}"}}[5m]))',
    ),
    Measure(
        Kind.QUERY,
        SourceKind.NEO4J,
        "Queries by their database hits",
        "hits",
        "query",
        'max by (target, query) (neo4j_plan_db_hits{{target="{}"}})',
    ),
    Measure(
        Kind.PROCESS,
        SourceKind.HOST,
        "Process groups by their processor time",
        "cores",
        "group",
        "sum by (target, group) (rate(node_process_group_cpu_seconds_total"
        '{{target="{0}"}}[5m])) or label_replace(clamp_min(sum by (target) '
        '(rate(node_capacity_cpu_seconds_total{{target="{0}"}}[5m])) - sum by (target) '
        '(rate(node_process_group_cpu_seconds_total{{target="{0}"}}[5m])), 0), '
        '"group", "everything else", "", "")',
        rest="everything else",
    ),
)


def value_query(kpi: Kpi, who: str) -> str:
    """Write the expression of a KPI's own series for one target or application."""
    return f"{record_name(kpi)}{{{who_label(kpi)}={json.dumps(who)}}}"


def limit_query(kpi: Kpi, who: str) -> str:
    """Write the expression of what was promised, by severity."""
    label = who_label(kpi)
    return (
        f'max by (severity) (kpi:limit:current{{kpi="{kpi.id}",'
        f"{label}={json.dumps(who)}}})"
    )


def span(at: float) -> dict[str, str]:
    """Return the parameters of a range query over the hour before a moment."""
    step = HOUR / _POINTS
    end = grained(at)
    return {"start": f"{end - HOUR:.0f}", "end": f"{end:.0f}", "step": f"{step:g}"}


def grained(at: float) -> float:
    """Return a moment that incidents of about the same one ask for as well."""
    return at - at % _GRAIN


def lines(result: Iterable[Mapping[str, Any]]) -> list[Series]:
    """Read the answer to a range query; what is no number is left out."""
    return [
        Series(
            _labels(each["metric"]),
            [(float(at), float(v)) for at, v in each["values"] if v not in _NO_NUMBERS],
        )
        for each in list(result)[:_MOST_SERIES]
    ]


def numbers(result: Iterable[Mapping[str, Any]]) -> list[tuple[dict[str, str], float]]:
    """Read the answer to an instant query."""
    return [
        (_labels(each["metric"]), float(each["value"][1]))
        for each in result
        if each["value"][1] not in _NO_NUMBERS
    ]


def limit(result: Iterable[Mapping[str, Any]], severity: str) -> float | None:
    """Pick the limit of a severity, else any."""
    found = {labels.get("severity"): value for labels, value in numbers(result)}
    return found.get(severity, next(iter(found.values()), None))


def compared(
    measure: Measure,
    now: Sequence[tuple[dict[str, str], float]],
    before: Sequence[tuple[dict[str, str], float]],
    texts: Sequence[tuple[dict[str, str], float]] = (),
) -> Comparison:
    """Join what costs most now with what it cost an hour ago."""
    old = {labels.get(measure.by, ""): value for labels, value in before}
    names = {labels.get(measure.by, ""): labels.get("query", "") for labels, _ in texts}
    named = [each for each in now if each[0].get(measure.by) != measure.rest]
    dearest = sorted(named, key=lambda each: -each[1])[:_MOST]
    changes = []
    for labels, value in dearest:
        key = labels.get(measure.by, "")
        shown = {
            "target": labels.get("target", ""),
            measure.by: names.get(key) or key,
        }
        changes.append(Change(shown, value, old.get(key, 0.0) if old else None))
    total = sum(value for _, value in now)
    return Comparison(str(measure.kind), measure.title, measure.unit, changes, total)


_NO_NUMBERS = ("NaN", "+Inf", "-Inf")


def _labels(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(key): str(text)[:_LONGEST]
        for key, text in given.items()
        if key != "__name__"
    }
