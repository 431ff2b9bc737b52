"""The rules that judge no value: the Watchdog, and that somebody is judged no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render import gone, twice

if TYPE_CHECKING:
    from exporter.catalogue.plan import Plan

_ABSENT = 600.0


def groups(plan: Plan) -> list[dict[str, Any]]:
    """Make the group: an alert that always fires, and those on what is lost.

    The Watchdog proves the way to the receiver; it has no severity that is routed to
    people. An annotation says when it was evaluated, so that a receiver can tell how
    long the way took. An alert over series that vanished is silent, so their absence is
    one.
    """
    watchdog = {
        "alert": "Watchdog",
        "expr": "vector(time())",
        "labels": {"severity": "none", "kpi": "watchdog", **plan.labels},
        "annotations": {
            "summary": "Alerts arrive",
            "description": "This fires always; when it stops, alerts are lost.",
            "evaluated_at": '{{ printf "%.3f" $value }}',
        },
    }
    absent = {
        "alert": "ExporterAbsent",
        "expr": "absent(kpi_exporter_build_info)",
        "for": f"{round(_ABSENT)}s",
        "labels": {"severity": "critical", "kpi": "exporter_absent", **plan.labels},
        "annotations": {
            "summary": "No kpi-exporter is scraped",
            "description": "No promise is judged. Add the exporter to Prometheus' "
            "scrape configuration again, or start it.",
            "runbook_url": f"{plan.links.runbooks}/exporter_down",
        },
    }
    others = [*gone.rules(plan), twice.rule(plan)]
    return [{"name": "kpi-always", "rules": [watchdog, absent, *others]}]


def tests(plan: Plan) -> dict[str, Any]:
    """Make the tests of the rules."""
    watchdog, absent, *_ = groups(plan)[0]["rules"]
    first = {**watchdog["annotations"], "evaluated_at": "0.000"}
    watchdog = {**watchdog, "annotations": first}
    there = {"series": 'kpi_exporter_build_info{job="j"}', "values": "1x5 _x30 1x5"}
    return {
        "rule_files": ["../always.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "name": "Watchdog fires from the first evaluation on",
                "interval": "1m",
                "input_series": [],
                "alert_rule_test": [_expect("0s", watchdog, fires=True)],
            },
            {
                "name": "ExporterAbsent fires after ten minutes without any",
                "interval": "1m",
                "input_series": [there],
                "alert_rule_test": [
                    _expect("5m", absent, fires=False),
                    _expect("20m", absent, fires=False),
                    _expect("21m", absent, fires=True),
                    _expect("38m", absent, fires=False),
                ],
            },
            *gone.tests(plan),
            *twice.tests(plan),
        ],
    }


def _expect(at: str, rule: dict[str, Any], *, fires: bool) -> dict[str, Any]:
    alert = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
    return {
        "eval_time": at,
        "alertname": rule["alert"],
        "exp_alerts": [alert] if fires else [],
    }
