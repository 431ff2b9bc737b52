"""The overview dashboard: every promise in the order of how near it is to broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render import rules
from exporter.render.grafana import (
    dashboard,
    query,
    row,
    stat,
    table,
    thresholds,
    timeseries,
)

if TYPE_CHECKING:
    from exporter.catalogue.plan import Plan

_MINE = 'job=~"$job", instance=~"$instance"'
_NEAR = thresholds([(None, "green"), (0.8, "orange"), (1.0, "red")])
_ANY = thresholds([(None, "green"), (1, "red")])


def overview(plan: Plan) -> dict[str, Any]:
    """Make the page that is opened first: what is broken, how near the rest is."""
    used = f"{rules.USED}{{{_MINE}}}"
    panels = [
        row("Is a promise broken?", 0),
        *_counts(),
        row("Which ones, and how near are the others?", 5),
        _all(plan),
        row("Since when?", 20),
        _history(used),
    ]
    variables = {"job": rules.USED, "instance": rules.USED}
    return dashboard("kpi-overview", "KPI / Overview", panels, variables)


def _counts() -> list[dict[str, Any]]:
    made = []
    for index, (severity, title) in enumerate(
        (("critical", "Critical promises broken"), ("warning", "Warnings broken"))
    ):
        broken = (
            f'count({rules.USED}{{severity="{severity}", {_MINE}}} > 1) or vector(0)'
        )
        text = (title, "Open the table below: the broken ones stand first.")
        panel = stat({"x": index * 8, "y": 1, "w": 8, "h": 4}, text, "short")
        panel["fieldConfig"]["defaults"]["thresholds"] = _ANY
        panel["targets"] = [query(broken)]
        made.append(panel)
    text = (
        "Collectors that fail",
        "What they would say is judged by nobody: run `kpi-exporter check`.",
    )
    panel = stat({"x": 16, "y": 1, "w": 8, "h": 4}, text, "short")
    panel["fieldConfig"]["defaults"]["thresholds"] = _ANY
    failing = f"kpi_exporter_collector_success{{{_MINE}}} == 0"
    panel["targets"] = [query(f"count({failing}) or vector(0)")]
    return [*made, panel]


def _all(plan: Plan) -> dict[str, Any]:
    advice = "At more than 100 % a promise is broken; its link leads to what to do."
    text = ("Every promise, by the share of its limit in use", advice)
    panel = table({"x": 0, "y": 6, "w": 24, "h": 14}, text)
    panel["targets"] = [
        query(f"{series}{{{_MINE}}}", reference=letter, instant=True)
        for letter, series in (
            ("A", rules.USED),
            ("B", rules.VALUE),
            ("C", rules.LIMIT),
        )
    ]
    link = {"title": "Runbook", "url": f"{plan.links.runbooks}/${{__data.fields.kpi}}"}
    panel["fieldConfig"]["overrides"] = [
        _column("Value #A", "Used", unit="percentunit", steps=_NEAR),
        _column("Value #B", "Value"),
        _column("Value #C", "Limit"),
        {
            "matcher": {"id": "byName", "options": "kpi"},
            "properties": [{"id": "links", "value": [link]}],
        },
    ]
    return panel


def _column(
    field: str, title: str, *, unit: str = "short", steps: dict[str, Any] | None = None
) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [
        {"id": "displayName", "value": title},
        {"id": "unit", "value": unit},
    ]
    if steps:
        cell = {"type": "color-background", "mode": "gradient"}
        properties += [
            {"id": "thresholds", "value": steps},
            {"id": "custom.cellOptions", "value": cell},
        ]
    return {"matcher": {"id": "byName", "options": field}, "properties": properties}


def _history(used: str) -> dict[str, Any]:
    text = (
        "Promises at more than half of their limit",
        "The one that rose first is often the cause of those that rose after it.",
    )
    panel = timeseries({"x": 0, "y": 21, "w": 24, "h": 10}, text, "percentunit")
    panel["fieldConfig"]["defaults"]["thresholds"] = _NEAR
    legend = "{{kpi}} {{target}}{{application}} ({{severity}})"
    panel["targets"] = [query(f"{used} > 0.5", legend)]
    return panel
