"""promtool tests of the burn rates: raw series to shares, and shares to alerts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.catalogue.limits import Unit
from exporter.render import burn, rules, whom
from exporter.render.series import MINUTE, braces
from exporter.render.words import alert_name, humanize, humanize_duration, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Evidence, Subject
    from exporter.catalogue.plan import Plan
    from exporter.render.burn import Budget, Window
    from exporter.render.whom import Whom

_SHARE = 0.25
_SAFE = 0.05
_MINUTES = 10
_LABEL = re.compile(r"\.Labels\.(\w+)")
_SEEN = 2.0  # what the evidence says


class Case(NamedTuple):
    """A budget and where it is rendered."""

    plan: Plan
    subject: Subject
    budget: Budget

    @property
    def whom(self) -> Whom:
        """One that the budget is for."""
        return whom.somebody(self.plan, self.budget.promise)

    @property
    def name(self) -> str:
        """The test's subject in words."""
        whose = self.budget.promise.target
        return f"{self.alert} of {whose}" if whose else self.alert

    @property
    def alert(self) -> str:
        """The name of the budget's alerts."""
        return f"{alert_name(self.budget.kpi)}Burn"


def tests(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make the tests of a subject's burn rates."""
    cases = [Case(plan, subject, each) for each in burn.budgets(plan, subject)]
    return [test for case in cases for test in _tests(case)]


def _tests(case: Case) -> Iterator[dict[str, Any]]:
    for who in whom.everybody(case.plan, case.budget.kpi):
        if who.concerns(case.budget.promise):
            yield _shares(case, who)
    for pair in burn.windows(case.budget):
        limit = pair.factor * case.budget.share
        over, under = limit * (1 + _SAFE), limit * (1 - _SAFE)
        yield _pair(case, pair, (over, over), fires=True)
        if case.budget.kpi.guard:
            yield _unjudged(_pair(case, pair, (over, over), fires=False))
        yield _pair(case, pair, (over, limit), fires=False)
        yield _pair(case, pair, (limit, over), fires=False)
        yield _pair(case, pair, (over, under), fires=False)
        yield _pair(case, pair, (under, over), fires=False)


def _shares(case: Case, who: Whom) -> dict[str, Any]:
    """Go from raw series to the share of bad events over each window."""
    budget = case.budget
    bound = repr(budget.limit)
    at = _MINUTES * MINUTE
    made = who.series(budget.burn.inputs, _SHARE, at, bound=bound)
    names = {rule["record"] for rule in burn.recordings(case.plan, budget)}
    return {
        "name": f"{case.name} counts what is bad",
        "interval": "1m",
        "input_series": made,
        "promql_expr_test": [
            {
                "expr": f"abs({name} - {_SHARE}) < bool 1e-9",
                "eval_time": f"{_MINUTES}m",
                "exp_samples": [{"labels": braces(who.labels), "value": 1}],
            }
            for name in sorted(names)
        ],
    }


def _pair(
    case: Case, pair: Window, shares: tuple[float, float], *, fires: bool
) -> dict[str, Any]:
    """Write the shares of a pair of windows themselves, so that limits are exact."""
    kpi = case.budget.kpi
    values = {pair.long: shares[0], pair.short: shares[1]}
    inputs = [
        _constant(case, rules.record_name(kpi, f"bad{window}"), share)
        for window, share in values.items()
    ]
    if kpi.guard:
        inputs.append(_constant(case, rules.record_name(kpi, "judged"), 1.0))
    if kpi.evidence:
        inputs.append(_evidence(case, kpi.evidence))
    expected = [_expected(case, pair, shares[0])] if fires else []
    what = "fires" if fires else "is silent"
    at = " and ".join(f"{shown(s, Unit.RATIO)} in {w}" for w, s in values.items())
    return {
        "name": f"{case.name} {what} at {at}",
        "interval": "1m",
        "input_series": inputs,
        "alert_rule_test": [
            {"eval_time": "5m", "alertname": case.alert, "exp_alerts": expected}
        ],
    }


def _unjudged(test: dict[str, Any]) -> dict[str, Any]:
    """Leave out the series that says that there is enough traffic to judge."""
    series = [s for s in test["input_series"] if ":judged{" not in s["series"]]
    name = test["name"].replace("is silent", "is silent while it is not judged")
    return {**test, "name": name, "input_series": series}


def _expected(case: Case, pair: Window, share: float) -> dict[str, Any]:
    (rule,) = (
        rule
        for rule in burn.alerts(case.plan, case.subject, case.budget)
        if rule["labels"]["severity"] == pair.severity
    )
    texts: dict[str, str] = dict(rule["annotations"])
    for name, value in case.whom.labels.items():
        label = f"{{{{ $labels.{name} }}}}"
        texts = {key: text.replace(label, value) for key, text in texts.items()}
    value = "{{ $value | humanizePercentage }}"
    seen = shown(share, Unit.RATIO)
    texts = {key: text.replace(value, seen) for key, text in texts.items()}
    if case.budget.kpi.evidence:
        texts["evidence"] = _line(case.budget.kpi.evidence)
    return {
        "exp_labels": {**case.whom.labels, **rule["labels"]},
        "exp_annotations": texts,
    }


def _evidence(case: Case, evidence: Evidence) -> dict[str, str]:
    """Write one series of the recorded evidence, with every label that is shown."""
    name = rules.record_name(case.budget.kpi, "evidence")
    named = {label: f"a-{label}" for label in _LABEL.findall(evidence.line)}
    labels = braces({**case.whom.labels, **named})
    return {"series": f"{name}{labels}", "values": f"{_SEEN:g}x{_MINUTES}"}


def _line(evidence: Evidence) -> str:
    text = re.sub(r"\{\{ \.Labels\.(\w+) \}\}", r"a-\1", evidence.line)
    text = text.replace("{{ .Value | humanizeDuration }}", humanize_duration(_SEEN))
    percent = shown(_SEEN, Unit.RATIO)
    text = text.replace("{{ .Value | humanizePercentage }}", percent)
    return text.replace("{{ .Value | humanize }}", humanize(_SEEN)) + "\n"


def _constant(case: Case, name: str, value: float) -> dict[str, str]:
    return {"series": _written(case, name), "values": f"{value:.12g}x{_MINUTES}"}


def _written(case: Case, name: str) -> str:
    return f"{name}{braces(case.whom.labels)}"
