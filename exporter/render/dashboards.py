"""Plan → Grafana dashboards: one per subject, rows by question, limits drawn in."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from exporter.catalogue.limits import Unit
from exporter.catalogue.model import Severity
from exporter.render import rules
from exporter.render.grafana import dashboard, query, row, thresholds, timeseries
from exporter.render.words import promise

if TYPE_CHECKING:
    from exporter.catalogue.model import Kpi, Subject
    from exporter.catalogue.plan import Plan

_UNITS = {
    Unit.SECONDS: "s",
    Unit.RATIO: "percentunit",
    Unit.BYTES: "bytes",
    Unit.COUNT: "short",
    Unit.PER_SECOND: "ops",
}
_COLORS = {
    Severity.INFO: "blue",
    Severity.WARNING: "orange",
    Severity.CRITICAL: "red",
}
_SIZE = {"w": 12, "h": 8}


def of_subject(plan: Plan, subject: Subject) -> dict[str, Any]:
    """Make a subject's dashboard: a row per question, a panel per KPI."""
    panels: list[dict[str, Any]] = []
    top = 0
    for question, kpis in groupby(subject.kpis, key=lambda kpi: kpi.panel.row):
        panels.append(row(question, top))
        for index, kpi in enumerate(kpis):
            y = top + 1 + index // 2 * _SIZE["h"]
            panels.append(_panel(plan, kpi, {"x": index % 2 * 12, "y": y, **_SIZE}))
        top = panels[-1]["gridPos"]["y"] + _SIZE["h"]
    names = {rules.who_label(kpi): rules.record_name(kpi) for kpi in subject.kpis}
    first = rules.record_name(subject.kpis[0])
    variables = {"job": first, "instance": first, **names}
    title = f"KPI / {subject.title}"
    return dashboard(f"kpi-{subject.subject}", title, panels, variables)


def _panel(plan: Plan, kpi: Kpi, place: dict[str, int]) -> dict[str, Any]:
    promises = [each for each in plan.promises(kpi) if each.target is None]
    said = "; ".join(
        f"{each.alert.severity}: {promise(kpi, each.alert.limit)}" for each in promises
    )
    advice = kpi.runbook.strip().split(". ")[0].rstrip(".")
    text = f"{kpi.question} {f'Promised: {said}.' if said else ''} {advice}."
    made = timeseries(place, (kpi.title, text), _UNITS[kpi.unit])
    made["fieldConfig"]["defaults"]["thresholds"] = _lines(kpi, promises)
    made["targets"] = [query(selected(kpi), _legend(kpi))]
    made["links"] = [
        {
            "title": "Runbook",
            "url": f"{plan.links.runbooks}/{kpi.id}",
            "targetBlank": True,
        }
    ]
    return made


def selected(kpi: Kpi) -> str:
    """Write a KPI's recording as the dashboard's variables select it."""
    who = rules.who_label(kpi)
    matchers = ", ".join(
        f'{name}=~"${name}"' for name in dict.fromkeys(("job", "instance", who))
    )
    return f"{rules.record_name(kpi)}{{{matchers}}}"


def _legend(kpi: Kpi) -> str:
    names = (rules.who_label(kpi), *kpi.by)
    return " ".join(f"{{{{{name}}}}}" for name in names)


def _lines(kpi: Kpi, promises: list[Any]) -> dict[str, Any]:
    """Draw the limits; for a KPI that should be high the bad side is below them."""
    limits = sorted(
        (each.alert.limit, _COLORS[each.alert.severity]) for each in promises
    )
    if kpi.better == "lower":
        return thresholds([(None, "green"), *limits])
    colors = [color for _, color in limits] + ["green"]
    values = [None, *(limit for limit, _ in limits)]
    return thresholds(list(zip(values, colors, strict=True)))
