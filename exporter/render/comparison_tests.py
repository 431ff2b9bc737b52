"""promtool tests of what makes promises comparable: value, limit, share in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render import rules
from exporter.render.rule_tests import Case, beyond, injected
from exporter.render.series import MINUTE, braces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Subject
    from exporter.catalogue.plan import Plan

_MINUTES = 3


def tests(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make the tests of a subject: of what is broken, kept, nothing, and not judged."""
    cases = [
        Case(plan, subject, each) for kpi in subject.kpis for each in plan.promises(kpi)
    ]
    return [test for case in cases for test in _tests(case)]


def _tests(case: Case) -> Iterator[dict[str, Any]]:
    limit = case.each.alert.limit
    yield _test(case, "compares a broken value", beyond(case), judged=True)
    yield _test(case, "compares a value at its limit", limit, judged=True)
    if case.kpi.better == "higher":
        yield _test(case, "compares nothing with its limit", 0.0, judged=True)
    if case.kpi.guard:
        what = "compares nothing that is not judged"
        yield _test(case, what, beyond(case), judged=False)


def _test(case: Case, what: str, value: float, *, judged: bool) -> dict[str, Any]:
    limit = case.each.alert.limit
    compared = {
        rules.VALUE: value,
        rules.LIMIT: limit,
        rules.USED: _used(case, value),
    }
    series = injected(case, [value] * _MINUTES)
    return {
        "name": f"{case.name} {what}",
        "interval": "1m",
        "input_series": series if judged else series[:1],
        "promql_expr_test": [
            _check(case, name, expected, judged=judged)
            for name, expected in compared.items()
        ],
    }


def _used(case: Case, value: float) -> float:
    """Return the share in use; a limit of 0 has none, so it is 2 or nothing."""
    limit = case.each.alert.limit
    if case.kpi.better == "higher":
        return limit / value if value else rules.MOST
    return value / limit if limit else 2.0 * (value > 0)


def _check(case: Case, name: str, expected: float, *, judged: bool) -> dict[str, Any]:
    mine = rules.rule_labels(case.each)
    labels = {**case.whom.labels, **mine}
    close = 1e-9 * max(1.0, abs(expected))
    text = f"abs({name}{braces(mine)} - {expected:.12g}) < bool {close:.3g}"
    return {
        "expr": text,
        "eval_time": f"{int(MINUTE)}s",
        "exp_samples": [{"labels": braces(labels), "value": 1}] if judged else [],
    }
