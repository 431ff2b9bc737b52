"""Catalogue → promtool tests: each alert fires, stays silent, recovers, misses data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.catalogue.arithmetic import FIGURE, calculate
from exporter.catalogue.limits import Unit
from exporter.render import rules, whom
from exporter.render.series import MINUTE, braces
from exporter.render.words import alert_name, humanize, humanize_duration, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Kpi, Subject
    from exporter.catalogue.plan import Plan, Promise
    from exporter.render.whom import Whom

_SAFE = 0.05  # how far beyond and within its limit a value is tried, as a share of it
_LONG = 90  # minutes, longer than any alert waits


class Case(NamedTuple):
    """One promise with everything that its tests are written from."""

    plan: Plan
    subject: Subject
    each: Promise

    @property
    def kpi(self) -> Kpi:
        """The KPI whose promise it is."""
        return self.each.kpi

    @property
    def name(self) -> str:
        """The test's subject in words."""
        whose = f" of {self.each.target}" if self.each.target else ""
        return f"{alert_name(self.kpi)} ({self.each.alert.severity}){whose}"

    @property
    def whom(self) -> Whom:
        """One that the promise is for."""
        return whom.somebody(self.plan, self.each)


class Look(NamedTuple):
    """What to expect at a time: a value that has been there `since` then, or not.

    `bare` is without evidence, which has no series then.
    """

    at: float
    value: float
    since: float | None = None
    bare: bool = True


def tests(plan: Plan, subject: Subject) -> dict[str, Any]:
    """Make the test file of a subject; it stands in `tests/` beside the rules."""
    cases = [
        Case(plan, subject, each) for kpi in subject.kpis for each in plan.promises(kpi)
    ]
    recorded = [
        _recorded(each) for kpi in subject.kpis for each in whom.everybody(plan, kpi)
    ]
    return {
        "rule_files": [f"../{subject.subject}.yaml"],
        "evaluation_interval": "1m",
        "tests": [*recorded, *(test for case in cases for test in _tests(case))],
    }


def _recorded(who: Whom) -> dict[str, Any]:
    """Record a value, with its labels and those of the guard, whoever judges it."""
    kpi, at = who.kpi, rules.settled(who.kpi)
    value = 2.0 if kpi.better == "higher" and kpi.unit is not Unit.RATIO else 0.5
    checks = [_is(kpi, value)]
    if kpi.guard:
        checks.append(f"{rules.record_name(kpi, 'judged')} * 0 + 1")
    return {
        "name": f"{alert_name(kpi)} is recorded",
        "interval": "1m",
        "input_series": who.series(kpi.inputs, value, at),
        "promql_expr_test": [_true(who, check, at) for check in checks],
    }


def _is(kpi: Kpi, value: float) -> str:
    close = 1e-9 * max(1.0, abs(value))
    return f"abs({rules.record_name(kpi)} - {value:.12g}) < bool {close:.3g}"


def _true(who: Whom, expression: str, at: float) -> dict[str, Any]:
    samples = [{"labels": braces(who.labels), "value": 1}]
    return {"expr": expression, "eval_time": _time(at), "exp_samples": samples}


def _tests(case: Case) -> Iterator[dict[str, Any]]:
    limit, bad = case.each.alert.limit, beyond(case)
    yield _from_inputs(case, "fires beyond its limit", bad)
    if limit:
        yield _from_inputs(case, "is silent within its limit", 2 * limit - bad)
    yield _in_time(case, bad, _kept(case))
    last = (_LONG - 1) * MINUTE
    if case.kpi.guard:
        values = [_values(case, [bad] * _LONG)]
        silent = Look(last, bad)
        yield _test(case, "is silent while it is not judged", values, [silent])
    values = injected(case, [limit] * _LONG)
    yield _test(case, "is silent at its limit", values, [Look(last, limit, 0.0)])
    yield _test(case, "is silent without data", [], [Look(60 * MINUTE, limit)])


def _worse(kpi: Kpi) -> int:
    return 1 if kpi.better == "lower" else -1


def beyond(case: Case) -> float:
    """Return a value a little on the bad side of the limit.

    A share of a whole stays below 1; beyond a limit of 0 it is a value that rates over
    five minutes hit exactly.
    """
    limit = case.each.alert.limit
    step = abs(limit) * _SAFE
    if not limit:
        step = 5.0 if any(each.rate for each in case.kpi.inputs) else 1.0
    elif case.kpi.unit is Unit.RATIO and limit < 1:
        step = min(step, (1 - limit) / 2)
    return limit + step * _worse(case.kpi)


def _kept(case: Case) -> float:
    """Return a value that keeps every promise of the KPI."""
    limits = [each.alert.limit for each in case.plan.promises(case.kpi)]
    worst = min(limits) if case.kpi.better == "lower" else max(limits)
    return worst * (1 - _SAFE * _worse(case.kpi))


def _from_inputs(case: Case, what: str, value: float) -> dict[str, Any]:
    """Go the whole way from raw series to the alert, once everything has settled."""
    kpi, who = case.kpi, case.whom
    slowest = max(each.alert.hold for each in case.plan.promises(kpi))
    at = rules.settled(kpi) + slowest + MINUTE
    shown_by = kpi.evidence.inputs if kpi.evidence else ()
    return {
        "name": f"{case.name} {what}",
        "interval": "1m",
        "input_series": who.series((*kpi.inputs, *shown_by), value, at),
        "alert_rule_test": [_check(case, Look(at, value, 0.0, bare=False))],
        "promql_expr_test": [_true(who, _is(kpi, value), at)],
    }


def _in_time(case: Case, bad: float, good: float) -> dict[str, Any]:
    """Break the promise after two minutes and keep it again three after the alert."""
    hold = int(case.each.alert.hold // MINUTE)
    values = [good, good, *[bad] * (hold + 3), good, good]
    begun = 2 * MINUTE
    looks = [
        Look((1 + hold) * MINUTE, bad, begun),
        Look((2 + hold) * MINUTE, bad, begun),
        Look((5 + hold) * MINUTE, good),
    ]
    what = "waits for its time and recovers"
    return _test(case, what, injected(case, values), looks)


def _values(case: Case, values: list[float], what: str = "") -> dict[str, str]:
    """Write the recording itself, a value per minute, so that all is exact."""
    name = f"{rules.record_name(case.kpi, what)}{braces(case.whom.labels)}"
    return {"series": name, "values": " ".join(f"{value:.12g}" for value in values)}


def injected(case: Case, values: list[float]) -> list[dict[str, str]]:
    """Write a recording, a value per minute, and that it may be judged all the time."""
    series = [_values(case, values)]
    if case.kpi.guard:
        series.append(_values(case, [1.0] * len(values), "judged"))
    return series


def _test(
    case: Case, what: str, series: list[dict[str, str]], looks: list[Look]
) -> dict[str, Any]:
    return {
        "name": f"{case.name} {what}",
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [_check(case, look) for look in looks],
    }


def _check(case: Case, look: Look) -> dict[str, Any]:
    """Expect what fires.

    Both severities of a KPI share a name, so a value may break two promises at once.
    """
    firing = [
        _alert(case, each, look)
        for each in case.plan.promises(case.kpi)
        if look.since is not None
        and case.whom.concerns(each)
        and look.at - look.since >= each.alert.hold
        and _breaks(each, look.value)
    ]
    alert = {"eval_time": _time(look.at), "alertname": alert_name(case.kpi)}
    return {**alert, "exp_alerts": firing}


def _breaks(each: Promise, value: float) -> bool:
    limit = each.alert.limit
    return value > limit if each.kpi.better == "lower" else value < limit


def _alert(case: Case, each: Promise, look: Look) -> dict[str, Any]:
    """Write an alert as Prometheus will, to the character."""
    rule = rules.alert(case.plan, case.subject, each)
    texts: dict[str, str] = dict(rule["annotations"])
    kpi, labels = each.kpi, case.whom.labels
    if kpi.evidence:
        lines = () if look.bare else kpi.evidence.expected
        texts["evidence"] = "".join(f"{_filled(line, look.value)}\n" for line in lines)
    for name, label in labels.items():
        variable = f"{{{{ $labels.{name} }}}}"
        texts = {key: text.replace(variable, label) for key, text in texts.items()}
    value = shown(look.value, kpi.unit)
    return {
        "exp_labels": {**labels, **rule["labels"]},
        "exp_annotations": {
            key: re.sub(r"\{\{ \$value[^}]*\}\}\S*", value, text)
            for key, text in texts.items()
        },
    }


def _filled(text: str, value: float) -> str:
    def number(part: re.Match[str]) -> str:
        written = humanize_duration if part["duration"] else humanize
        return written(calculate(part["sum"], value))

    return FIGURE.sub(number, text)


def _time(seconds: float) -> str:
    return f"{int(seconds)}s"
