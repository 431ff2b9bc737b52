"""promtool tests of evidence: each gets its own, however many are in trouble."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exporter.render import rules, whom
from exporter.render.series import braces
from exporter.render.words import alert_name

if TYPE_CHECKING:
    from exporter.catalogue.model import Evidence, Subject
    from exporter.catalogue.plan import Plan
    from exporter.render.whom import Whom

_KEPT = re.compile(r"\btopk\b[^(]*\([^)]*\)\s*\((\d+),")
_APART = ("job", "instance", "target")


def tests(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make one test per KPI that has evidence, and per application that it judges."""
    return [
        _test(plan, each, kpi.evidence)
        for kpi in subject.kpis
        if kpi.evidence
        for each in whom.everybody(plan, kpi)
    ]


def _test(plan: Plan, who: Whom, evidence: Evidence) -> dict[str, Any]:
    """Have many in trouble at once, each of them different in one label.

    They are one more than the evidence has room for, so that a label that it does not
    keep apart lets them push each other out. An application whose job is in its
    selector has no others.
    """
    kpi, at = who.kpi, rules.settled(who.kpi)
    labels = {name: text for name, text in who.labels.items() if name not in kpi.by}
    fixed = who.application.fixed if kpi.scope == "application" else ()
    apart = [name for name in _APART if name in labels and name not in fixed]
    copies = range(2, _kept(evidence) + 2)
    others = [{}, *({name: f"{labels[name]}{n}"} for name in apart for n in copies)]
    series = who.series((*kpi.inputs, *evidence.inputs), _bad(plan, who), at)
    inputs = [_relabelled(each, labels, other) for other in others for each in series]
    samples = [
        {"labels": braces({**labels, **other}), "value": len(evidence.expected)}
        for other in others
    ]
    shown = dict.fromkeys(re.findall(r"\.Labels\.(\w+)", evidence.line))
    there = ", ".join(f'{label}!=""' for label in shown)
    selected = f"{rules.record_name(kpi, 'evidence')}{{{there}}}"
    if kpi.scope == "application":
        selected = selected.replace("{", f'{{application="{who.name}", ', 1)
    count = f"count by ({', '.join(labels)}) ({selected})"
    return {
        "name": f"{alert_name(kpi)} keeps everybody's evidence apart",
        "interval": "1m",
        "input_series": inputs,
        "promql_expr_test": [
            {"expr": count, "eval_time": f"{int(at)}s", "exp_samples": samples}
        ],
    }


def _kept(evidence: Evidence) -> int:
    """Return how many series of a group are kept; where all are, one other will do."""
    return max(map(int, _KEPT.findall(evidence.expr)), default=1)


def _bad(plan: Plan, who: Whom) -> float:
    """Return a value beyond every limit."""
    limits = [each.alert.limit for each in plan.promises(who.kpi)] or [1.0]
    if who.kpi.better == "higher":
        return min(limits) * 0.95
    return max(limits) * 1.05 or 5.0


def _relabelled(
    series: dict[str, str], old: dict[str, str], new: dict[str, str]
) -> dict[str, str]:
    name = series["series"]
    for label, value in new.items():
        name = name.replace(f'{label}="{old[label]}"', f'{label}="{value}"')
    return {**series, "series": name}
