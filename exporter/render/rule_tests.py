"""Catalogue → promtool tests: each alert fires, stays silent, recovers, misses data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.catalogue.arithmetic import FIGURE, calculate
from exporter.catalogue.limits import Unit
from exporter.render import rules
from exporter.render.series import (
    MINUTE,
    VALUES,
    braces,
    notation,
    series_of,
)
from exporter.render.words import alert_name, humanize, humanize_duration, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Kpi, Subject
    from exporter.catalogue.plan import Plan, Promise

_SAFE = 0.05  # how far beyond and within its limit a value is tried, as a share of it
_SELECTOR = re.compile(r"\{(?P<labels>.*)\}$")


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
    def hold(self) -> float:
        """Seconds that the promise must be broken for."""
        return self.each.alert.hold

    @property
    def name(self) -> str:
        """The test's subject in words."""
        whose = f" of {self.each.target}" if self.each.target else ""
        return f"{alert_name(self.kpi)} ({self.each.alert.severity}){whose}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the recording in the tests."""
        return _labels(self.plan, self.kpi, self.each.target)


def tests(plan: Plan, subject: Subject) -> dict[str, Any]:
    """Make the test file of a subject; it stands in `tests/` beside the rules."""
    cases = [
        Case(plan, subject, each) for kpi in subject.kpis for each in plan.promises(kpi)
    ]
    return {
        "rule_files": [f"../{subject.subject}.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            *(_recorded(plan, kpi) for kpi in subject.kpis),
            *(test for case in cases for test in _tests(case)),
        ],
    }


def _recorded(plan: Plan, kpi: Kpi) -> dict[str, Any]:
    """Record a value, with its labels and those of the guard, whoever judges it."""
    at = rules.settled(kpi)
    labels = braces(_labels(plan, kpi))
    value = 2.0 if kpi.better == "higher" and kpi.unit is not Unit.RATIO else 0.5
    checks = [f"abs({rules.record_name(kpi)} - {value}) < bool 1e-9"]
    if kpi.guard:
        checks.append(f"{rules.record_name(kpi, 'judged')} * 0 + 1")
    application, count = plan.applications[0], int(at / MINUTE) + 1
    made = series_of(kpi.inputs, value, at)
    return {
        "name": f"{alert_name(kpi)} is recorded",
        "interval": "1m",
        "input_series": [notation(application, each, count) for each in made],
        "promql_expr_test": [
            {
                "expr": check,
                "eval_time": _time(at),
                "exp_samples": [{"labels": labels, "value": 1}],
            }
            for check in checks
        ],
    }


def _labels(plan: Plan, kpi: Kpi, target: str | None = None) -> dict[str, str]:
    own = {"target": target} if target else {}
    values = {**VALUES, "application": plan.applications[0].name, **own}
    return {name: values.get(name, f"a-{name}") for name in rules.labels_of(kpi)}


def _tests(case: Case) -> Iterator[dict[str, Any]]:
    limit = case.each.alert.limit
    off = (abs(limit) * _SAFE or _step(case.kpi)) * _worse(case.kpi)
    yield _from_inputs(case, "fires beyond its limit", limit + off)
    if limit:
        yield _from_inputs(case, "is silent within its limit", limit - off)
    yield _in_time(case, limit + off, _kept(case))
    if case.kpi.guard:
        yield _injected(
            case,
            "is silent while it is not judged",
            [limit + off] * 90,
            {89: (None, limit)},
            judged=False,
        )
    yield _injected(case, "is silent at its limit", [limit] * 90, {89: (0.0, limit)})
    yield {
        "name": f"{case.name} is silent without data",
        "interval": "1m",
        "input_series": [],
        "alert_rule_test": [_check(case, 60 * MINUTE, None, limit)],
    }


def _worse(kpi: Kpi) -> int:
    return 1 if kpi.better == "lower" else -1


def _step(kpi: Kpi) -> float:
    """Return a value beyond a limit of 0 that rates over five minutes hit exactly."""
    return 5.0 if any(each.rate for each in kpi.inputs) else 1.0


def _kept(case: Case) -> float:
    """Return a value that keeps every promise of the KPI."""
    limits = [each.alert.limit for each in case.plan.promises(case.kpi)]
    worst = min(limits) if case.kpi.better == "lower" else max(limits)
    return worst * (1 - _SAFE * _worse(case.kpi))


def _from_inputs(case: Case, what: str, value: float) -> dict[str, Any]:
    """Go the whole way from raw series to the alert, once everything has settled."""
    kpi = case.kpi
    slowest = max(each.alert.hold for each in case.plan.promises(kpi))
    at = rules.settled(kpi) + slowest + MINUTE
    inputs = [*kpi.inputs]
    if kpi.evidence:
        inputs += kpi.evidence.inputs
    count = int(at / MINUTE) + 1
    made = series_of(inputs, value, at)
    series = [notation(case.plan.applications[0], each, count) for each in made]
    if case.each.target:
        series = [_of_target(s, case.each.target) for s in series]
    close = 1e-9 * max(1.0, abs(value))
    is_value = f"abs({rules.record_name(kpi)} - {value:.12g}) < bool {close:.3g}"
    labels = ", ".join(f'{key}="{text}"' for key, text in case.labels.items())
    return {
        "name": f"{case.name} {what}",
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [_check(case, at, 0.0, value)],
        "promql_expr_test": [
            {
                "expr": is_value,
                "eval_time": _time(at),
                "exp_samples": [{"labels": f"{{{labels}}}", "value": 1}],
            }
        ],
    }


def _in_time(case: Case, bad: float, good: float) -> dict[str, Any]:
    """Break the promise after two minutes and keep it again three after the alert."""
    hold = int(case.hold // MINUTE)
    begun = 2 * MINUTE
    values = [good, good, *[bad] * (hold + 3), good, good]
    checks: dict[int, tuple[float | None, float]] = {
        1 + hold: (begun, bad),
        2 + hold: (begun, bad),
        5 + hold: (None, good),
    }
    return _injected(case, "waits for its time and recovers", values, checks)


def _injected(
    case: Case,
    what: str,
    values: list[float],
    checks: dict[int, tuple[float | None, float]],
    *,
    judged: bool = True,
) -> dict[str, Any]:
    """Write the recording itself, a value per minute, so that all is exact.

    `checks` are (since when, which value) by the minute that is looked at.
    """
    written = " ".join(f"{value:.12g}" for value in values)
    inputs = [{"series": _selector(case), "values": written}]
    if case.kpi.guard and judged:
        name, guard = (rules.record_name(case.kpi, w) for w in ("", "judged"))
        series = _selector(case).replace(name, guard)
        inputs.append({"series": series, "values": f"1x{len(values)}"})
    return {
        "name": f"{case.name} {what}",
        "interval": "1m",
        "input_series": inputs,
        "alert_rule_test": [
            _check(case, minute * MINUTE, *check, bare=True)
            for minute, check in checks.items()
        ],
    }


def _check(
    case: Case, at: float, since: float | None, value: float, *, bare: bool = False
) -> dict[str, Any]:
    """Expect what fires at `at` when the value has been there since `since`.

    Both severities of a KPI share a name, so a value may break two promises at once.
    `bare` is without evidence, which has no series then.
    """
    siblings = [case._replace(each=each) for each in case.plan.promises(case.kpi)]
    firing = [
        _alert(other, value, bare=bare)
        for other in siblings
        if since is not None
        and other.labels == case.labels
        and at - since >= other.hold
        and _breaks(other, value)
    ]
    alert = {"eval_time": _time(at), "alertname": alert_name(case.kpi)}
    return {**alert, "exp_alerts": firing}


def _breaks(case: Case, value: float) -> bool:
    limit = case.each.alert.limit
    return value > limit if case.kpi.better == "lower" else value < limit


def _alert(case: Case, value: float, *, bare: bool) -> dict[str, Any]:
    rule = rules.alert(case.plan, case.subject, case.each)
    labels = {**case.labels, **rule["labels"]}
    return {"exp_labels": labels, "exp_annotations": _rendered(case, value, bare=bare)}


def _rendered(case: Case, value: float, *, bare: bool) -> dict[str, str]:
    """Write the annotations as Prometheus will, to the character."""
    kpi = case.kpi
    rule = rules.alert(case.plan, case.subject, case.each)
    texts: dict[str, str] = dict(rule["annotations"])
    if kpi.evidence:
        lines = () if bare else [_filled(t, value) for t in kpi.evidence.expected]
        texts["evidence"] = "".join(f"{line}\n" for line in lines)
    for name, label in case.labels.items():
        texts = {
            key: text.replace(f"{{{{ $labels.{name} }}}}", label)
            for key, text in texts.items()
        }
    return {
        key: re.sub(r"\{\{ \$value[^}]*\}\}\S*", shown(value, kpi.unit), text)
        for key, text in texts.items()
    }


def _filled(text: str, value: float) -> str:
    def number(part: re.Match[str]) -> str:
        written = humanize_duration if part["duration"] else humanize
        return written(calculate(part["sum"], value))

    return FIGURE.sub(number, text)


def _selector(case: Case) -> str:
    return f"{rules.record_name(case.kpi)}{braces(case.labels)}"


def _of_target(series: dict[str, str], target: str) -> dict[str, str]:
    name = series["series"].replace('target="t"', f'target="{target}"')
    return {**series, "series": name}


def _time(seconds: float) -> str:
    return f"{int(seconds)}s"
