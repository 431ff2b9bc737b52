"""Alerts on series that are gone: an alert over them would be silent for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render.promql import uses
from exporter.render.series import braces
from exporter.render.words import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.applications import Application
    from exporter.catalogue.plan import Plan

PAGE = "series_gone"
"""The name of the runbook."""
_COLLECTORS = 'kpi_exporter_collector_success{target!=""}'
_HOLD = 600.0
_QUIET = 900.0  # an application that was just started may have had nothing to do
_PARTS = ("_bucket", "_sum")
_SHOWN = ("job", "instance", "target", "collector")

RUNBOOK = f"""\
<!-- {MARK}; edits are lost. -->
# Series are gone

**Is everything that was judged an hour ago still judged?**

An alert whose series are gone is silent, so that they are gone is an alert of its own.
It ends by itself within the hour.

## What to do

A collector or a target that was there in the last hour was taken out of the exporter's
configuration, or its exporter out of Prometheus'. If that was meant, there is nothing
to do. If not, put it back.

An application that answers, but without one of its series, gives it another name since
its latest release: say so in `applications`, under `names`. Or it has had nothing to do
since it was started: then the first request ends the alert.
"""


def rules(plan: Plan) -> list[dict[str, Any]]:
    """Make an alert for collectors, and one for each application's series."""
    applications = [
        _of_application(plan, application, series)
        for application in plan.applications
        for series in read_by_alerts(plan, application)
    ]
    return [_of_collectors(plan), *applications]


def read_by_alerts(plan: Plan, application: Application) -> list[str]:
    """Name the series of an application that alerts rest on; histograms by count."""
    texts = [
        text
        for subject in plan.subjects
        for kpi in subject.kpis
        if kpi.scope == "application" and any(plan.promises(kpi))
        for text in (kpi.expr, kpi.guard or "1")
    ]
    names = {use.name for text in texts for use in uses(application.fill(text))}
    declared = application.declared()
    return sorted({_whole(name) for name in names if name in declared})


def tests(plan: Plan) -> list[dict[str, Any]]:
    """Make the tests of each rule: gone, down, and gone to another instance."""
    of_collectors, *others = rules(plan)
    labels = {"job": "j", "instance": "i", "target": "t", "collector": "c"}
    made = [*_tests(of_collectors, "kpi_exporter_collector_success", labels)]
    known = {application.name: application for application in plan.applications}
    for rule in others:
        application = known[rule["labels"]["application"]]
        made += _tests(rule, rule["labels"]["series"], application.labels)
    return made


def _whole(name: str) -> str:
    for part in _PARTS:
        if name.endswith(part):
            return f"{name.removesuffix(part)}_count"
    return name


def _expression(selector: str, by: str, elsewhere: str) -> str:
    """Write that what was there lately is not there any more, `elsewhere` neither.

    What cannot be scraped is missed by another alert.
    """
    return (
        f"group by ({by}) (present_over_time({selector}[1h]))"
        f" unless on ({elsewhere}) group by ({elsewhere}) ({selector})"
        " unless on (job, instance) up == 0"
    )


def _of_collectors(plan: Plan) -> dict[str, Any]:
    where = "job, target, collector"
    return {
        "alert": "CollectorGone",
        "expr": _expression(_COLLECTORS, "job, instance, target, collector", where),
        "for": f"{round(_HOLD)}s",
        "labels": {"severity": "warning", "kpi": "collector_gone", **plan.labels},
        "annotations": {
            "summary": "No longer read: {{ $labels.target }} {{ $labels.collector }}",
            "description": "It was there in the last hour. What is promised of it is "
            "judged by nobody now.",
            "runbook_url": f"{plan.links.runbooks}/{PAGE}",
        },
    }


def _of_application(
    plan: Plan, application: Application, series: str
) -> dict[str, Any]:
    selector = f"{series}{{{application.selector}}}"
    own = {
        "kpi": "application_series_gone",
        "application": application.name,
        "series": series,
    }
    return {
        "alert": "ApplicationSeriesGone",
        "expr": _expression(selector, "job, instance", "job"),
        "for": f"{round(_QUIET)}s",
        "labels": {"severity": "warning", **own, **plan.labels},
        "annotations": {
            "summary": f"No longer given: {series} on {{{{ $labels.instance }}}}",
            "description": "The application answers, and gave it in the last hour. "
            "What is promised of it is judged by nobody now.",
            "runbook_url": f"{plan.links.runbooks}/{PAGE}",
        },
    }


def _tests(
    rule: dict[str, Any], series: str, labels: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Let a series end after five minutes, which the sixth notices."""
    name = f"{rule['alert']} ({rule['labels'].get('series', 'all')})"
    hold = int(rule["for"].removesuffix("s")) // 60
    shown = {name: labels[name] for name in _SHOWN if name in labels}
    up = {n: labels[n] for n in ("job", "instance")}
    ends = {"series": series + braces(labels), "values": "1x5 stale"}
    other = {**labels, "instance": f"{labels['instance']}-2"}
    there = {"series": series + braces(other), "values": "1x90"}
    answers = {"series": f"up{braces(up)}", "values": "1x90"}
    down = {"series": f"up{braces(up)}", "values": "1x5 0x90"}
    late = [_look(rule, 30, None)]
    looks = [
        _look(rule, 5 + hold, None),
        _look(rule, 6 + hold, shown),
        _look(rule, 67, None),
    ]
    yield _test(f"{name} is missed for an hour", [ends, answers], looks)
    yield _test(f"{name} is not missed while its job is down", [ends, down], late)
    yield _test(f"{name} has moved to another instance", [ends, answers, there], late)


def _test(
    name: str, series: list[dict[str, str]], looks: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": looks,
    }


def _look(
    rule: dict[str, Any], minute: int, labels: dict[str, str] | None
) -> dict[str, Any]:
    """Expect the alert with these labels, or none."""
    alerts = []
    if labels is not None:
        texts = dict(rule["annotations"])
        for name, value in labels.items():
            variable = f"{{{{ $labels.{name} }}}}"
            texts = {key: text.replace(variable, value) for key, text in texts.items()}
        known = {**labels, **rule["labels"]}
        alerts = [{"exp_labels": known, "exp_annotations": texts}]
    return {
        "eval_time": f"{minute}m",
        "alertname": rule["alert"],
        "exp_alerts": alerts,
    }
