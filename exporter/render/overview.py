"""The overview dashboard: every promise in the order of how near it is to broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.catalogue.limits import Unit
from exporter.render import rules
from exporter.render.grafana import (
    Head,
    band,
    column,
    dashboard,
    mapping,
    query,
    row,
    stacked,
    stat,
    table,
    thresholds,
    timeseries,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan

_MINE = 'job=~"$job", instance=~"$instance"'
_NEAR = thresholds([(None, "green"), (0.8, "orange"), (1.0, "red")])
_ANY = thresholds([(None, "green"), (1, "red")])
_VERDICT = [
    band("kept", "green", None, 0.8),
    band("near", "orange", 0.8, 1.0),
    band("broken", "red", 1.0 + 1e-9, None),
]
_KINDS = {
    "Time": ("s", (Unit.SECONDS,)),
    "Share": ("percentunit", (Unit.RATIO,)),
    "Number": ("short", (Unit.COUNT, Unit.PER_SECOND)),
    "Size": ("bytes", (Unit.BYTES,)),
}
_LETTERS = "ABCDEFGHIJ"
_WHAT = {
    "kpi": "Promise",
    "whom": "Of whom",
    "what": "Of what",
    "severity": "Severity",
}
_DOWN = " or ".join(f"{name}{{{_MINE}}}" for name in ("pg_up", "redis_up", "neo4j_up"))
_STATS = (
    (
        "Critical promises broken",
        f'count({rules.USED}{{severity="critical", {_MINE}}} > 1)',
        "Somebody was woken. The table below says which: the broken ones stand first.",
    ),
    (
        "Warnings broken",
        f'count({rules.USED}{{severity="warning", {_MINE}}} > 1)',
        "Each is a ticket. The table below says which: the broken ones stand first.",
    ),
    (
        "Targets that do not answer",
        f"count(({_DOWN}) == 0)",
        "Nothing else about them is known: begin here. See the Exporter dashboard.",
    ),
    (
        "Collectors that fail",
        f"count(kpi_exporter_collector_success{{{_MINE}}} == 0)",
        "What they would say is judged by nobody: run `kpi-exporter check`.",
    ),
)


def overview(plan: Plan) -> dict[str, Any]:
    """Make the page that is opened first: what is broken, how near the rest is."""
    kpis = [kpi for subject in plan.subjects for kpi in subject.kpis]
    promised = [kpi for kpi in kpis if any(plan.promises(kpi))]
    free = [kpi for kpi in kpis if kpi not in promised]
    lines = [
        (1, [row("Is a promise broken?")]),
        (4, [_count(*each) for each in _STATS]),
        (1, [row("Which ones, and how near are the others?")]),
        (14, [_promised(plan, promised)]),
        (1, [row("Since when?")]),
        (10, [_history()]),
        (1, [row("What is measured without a promise?")]),
        (8, [_free(plan, free)]),
    ]
    variables = {"job": rules.USED, "instance": rules.USED}
    head = Head("kpi-overview", "KPI / Overview", variables)
    return dashboard(head, stacked(lines))


def _count(title: str, counted: str, advice: str) -> dict[str, Any]:
    panel = stat((title, advice), "short")
    panel["fieldConfig"]["defaults"]["thresholds"] = _ANY
    panel["targets"] = [query(f"{counted} or vector(0)")]
    return panel


def _promised(plan: Plan, kpis: Sequence[Kpi]) -> dict[str, Any]:
    advice = (
        "At more than 100 % of its limit a promise is broken. The link on its name "
        "leads to what to do; the page of its subject has the graph and the cause."
    )
    used = _named(kpis, f"{rules.USED}{{{_MINE}}}")
    columns = [
        _Column(used, "Verdict", {"mappings": _VERDICT, **_colored("background")}),
        _Column(used, "Used", {"unit": "percentunit", "thresholds": _NEAR}),
    ]
    for title, unit, mine in _kinds(kpis):
        for name, record in ((title, rules.VALUE), ("Limit", rules.LIMIT)):
            found = f'{record}{{kpi=~"{_any_of(mine)}", {_MINE}}}'
            columns.append(_Column(_named(kpis, found), name, {"unit": unit}))
    text = ("Every promise, by the share of its limit in use", advice)
    return _list(plan, text, kpis, columns)


def _free(plan: Plan, kpis: Sequence[Kpi]) -> dict[str, Any]:
    advice = "Nobody promised a limit; give one in `kpis` of the configuration."
    columns = []
    for title, unit, mine in _kinds(kpis):
        names = "|".join(rules.record_name(kpi) for kpi in mine)
        found = f'{{__name__=~"{names}", {_MINE}}}'
        whose = f'label_replace({found}, "kpi", "$1", "__name__", "[^:]+:([^:]+):.+")'
        columns.append(_Column(_named(kpis, whose), title, {"unit": unit}))
    text = ("What is only recorded and shown", advice)
    return _list(plan, text, kpis, columns)


class _Column(NamedTuple):
    """A column of values: its query, its title and its looks."""

    query: str
    title: str
    looks: dict[str, Any]


def _list(
    plan: Plan, text: tuple[str, str], kpis: Sequence[Kpi], columns: list[_Column]
) -> dict[str, Any]:
    """Make a table with a line per KPI and whom it is about."""
    named = {
        f"Value #{letter}": each
        for letter, each in zip(_LETTERS, columns, strict=False)
    }
    panel = table(text, [*_WHAT, *named], columns[1].title)
    panel["targets"] = [
        query(each.query, reference=letter, instant=True)
        for letter, each in zip(_LETTERS, columns, strict=False)
    ]
    link = {"title": "Runbook", "url": f"{plan.links.runbooks}/${{__value.raw}}"}
    titles = mapping({kpi.id: kpi.title for kpi in kpis})
    panel["fieldConfig"]["overrides"] = [
        *(column(name, title) for name, title in _WHAT.items()),
        column("kpi", _WHAT["kpi"], mappings=[titles], links=[link]),
        *(column(field, each.title, **each.looks) for field, each in named.items()),
    ]
    return panel


def _named(kpis: Iterable[Kpi], series: str) -> str:
    """Write a query whose results have the same few labels for every KPI."""
    labels = dict.fromkeys(name for kpi in kpis for name in kpi.by)
    whom = f'label_join({series}, "whom", "", "target", "application")'
    sources = "".join(f', "{name}"' for name in labels)
    what = f'label_join({whom}, "what", " "{sources})'
    return f"max by (job, instance, kpi, severity, whom, what) ({what})"


def _kinds(kpis: Sequence[Kpi]) -> list[tuple[str, str, list[Kpi]]]:
    """Return the titles, Grafana's units and KPIs of each kind of value there is."""
    found = [
        (title, unit, [kpi for kpi in kpis if kpi.unit in units])
        for title, (unit, units) in _KINDS.items()
    ]
    return [each for each in found if each[2]]


def _any_of(kpis: Iterable[Kpi]) -> str:
    return "|".join(kpi.id for kpi in kpis)


def _colored(what: str) -> dict[str, Any]:
    return {"custom__cellOptions": {"type": f"color-{what}"}}


def _history() -> dict[str, Any]:
    text = (
        "Promises at more than half of their limit",
        "The one that rose first is often the cause of those that rose after it.",
    )
    panel = timeseries(text, "percentunit")
    panel["fieldConfig"]["defaults"]["thresholds"] = _NEAR
    legend = "{{kpi}} {{target}}{{application}} ({{severity}})"
    panel["targets"] = [query(f"{rules.USED}{{{_MINE}}} > 0.5", legend)]
    return panel
