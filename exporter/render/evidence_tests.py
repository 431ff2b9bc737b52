"""promtool tests of evidence: each gets its own, however many are in trouble."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exporter.render import rules
from exporter.render.series import MINUTE, VALUES, braces, notation, series_of
from exporter.render.words import alert_name

if TYPE_CHECKING:
    from exporter.catalogue.model import Evidence, Kpi, Subject
    from exporter.catalogue.plan import Plan

_COPIES = ("2", "3", "4")


def tests(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make one test per KPI that has evidence."""
    kpis = subject.kpis
    return [_test(plan, kpi, kpi.evidence) for kpi in kpis if kpi.evidence]


def _test(plan: Plan, kpi: Kpi, evidence: Evidence) -> dict[str, Any]:
    """Have many in trouble at once, each of them different in one label.

    A label that the evidence does not keep apart lets them push each other out.
    """
    at = rules.settled(kpi)
    own = {name: VALUES[name] for name in rules.labels_of(kpi) if name in VALUES}
    others = [{}, *({name: own[name] + n} for name in own for n in _COPIES)]
    series = [*_series(plan, kpi, evidence, at)]
    copies = [_relabelled(each, other) for other in others for each in series]
    static = {}
    if kpi.scope == "application":
        static = {"application": plan.applications[0].name}
    on = ", ".join((*own, *static))
    samples = [
        {
            "labels": braces({**own, **static, **other}),
            "value": len(evidence.expected),
        }
        for other in others
    ]
    shown = dict.fromkeys(re.findall(r"\.Labels\.(\w+)", evidence.line))
    there = ", ".join(f'{label}!=""' for label in shown)
    count = f"count by ({on}) ({rules.record_name(kpi, 'evidence')}{{{there}}})"
    return {
        "name": f"{alert_name(kpi)} keeps everybody's evidence apart",
        "interval": "1m",
        "input_series": copies,
        "promql_expr_test": [
            {"expr": count, "eval_time": f"{int(at)}s", "exp_samples": samples}
        ],
    }


def _series(
    plan: Plan, kpi: Kpi, evidence: Evidence, at: float
) -> list[dict[str, str]]:
    """Write the series of one in trouble, with a value beyond every limit."""
    limits = [each.alert.limit for each in plan.promises(kpi)] or [1.0]
    value = max(limits) * 1.05 or 5.0
    if kpi.better == "higher":
        value = min(limits) * 0.95
    made = series_of((*kpi.inputs, *evidence.inputs), value, at)
    count = int(at / MINUTE) + 1
    return [notation(plan.applications[0], each, count) for each in made]


def _relabelled(series: dict[str, str], labels: dict[str, str]) -> dict[str, str]:
    name = series["series"]
    for label, value in labels.items():
        name = name.replace(f'{label}="{VALUES[label]}"', f'{label}="{value}"')
    return {**series, "series": name}
