"""The alert on targets that are scraped twice, over `/metrics` and over `/sd`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render.series import braces
from exporter.render.words import MARK

if TYPE_CHECKING:
    from exporter.catalogue.plan import Plan

PAGE = "scraped_twice"
_HOLD = 600.0
_INFO = 'kpi_exporter_target_info{target!=""}'
# `/sd` names an instance after its target, which no address is.
_PROBED = (
    f"{_INFO} and on (instance, target) "
    f'label_replace(group by (target) ({_INFO}), "instance", "$1", "target", "(.+)")'
)
_SERIES = "kpi_exporter_target_info"

RUNBOOK = f"""\
<!-- {MARK}; edits are lost. -->
# A target is scraped twice

**Is every figure there once?**

Sums over all series count the target twice, its alerts come twice, and Prometheus keeps
twice as much. Nothing is polled twice.

## What to do

Look at Prometheus' page of targets. `/metrics` has all targets in one scrape, `/sd`
leads to one scrape per target: keep one of the two jobs. Or two jobs scrape the same
address: keep one.
"""


def rule(plan: Plan) -> dict[str, Any]:
    """Make the alert; two exporters may have targets of one name, which is no fault."""
    scraped = (
        f"group by (target) ({_PROBED}) or "
        f"group by (target) (count by (instance, target) ({_INFO}) != 1)"
    )
    return {
        "alert": "ScrapedTwice",
        "expr": f"count by (target) ({_INFO}) != 1 and ({scraped})",
        "for": f"{round(_HOLD)}s",
        "labels": {"severity": "info", "kpi": PAGE, **plan.labels},
        "annotations": {
            "summary": "Scraped twice: {{ $labels.target }}",
            "description": "Two jobs of Prometheus have this target, so sums count it "
            "twice. Keep the job of /metrics or that of /sd.",
            "runbook_url": f"{plan.links.runbooks}/{PAGE}",
        },
    }


def tests(plan: Plan) -> list[dict[str, Any]]:
    """Make its tests: each way of scraping by itself, and two together."""
    whole, second, other = ("kpi", "a:1"), ("kpi-2", "a:1"), ("kpi", "b:1")
    probed, lone = ("redis", "cache"), ("redis", "queue")
    cases = {
        "by both ways, beside others once": ([whole, probed], True),
        "by two jobs at one address": ([whole, second], True),
        "by one job": ([whole], False),
        "by discovery": ([probed], False),
        "as two targets of two exporters": ([whole, other], False),
    }
    return [
        _test(
            plan,
            what,
            [*((*way, "cache") for way in ways), (*lone, "queue")],
            fires=fires,
        )
        for what, (ways, fires) in cases.items()
    ]


def _test(
    plan: Plan, what: str, ways: list[tuple[str, str, str]], *, fires: bool
) -> dict[str, Any]:
    made = rule(plan)
    hold = int(_HOLD) // 60
    texts = {
        key: text.replace("{{ $labels.target }}", "cache")
        for key, text in made["annotations"].items()
    }
    alert = {
        "exp_labels": {"target": "cache", **made["labels"]},
        "exp_annotations": texts,
    }
    return {
        "name": f"ScrapedTwice for a target {what}",
        "interval": "1m",
        "input_series": [
            {
                "series": _SERIES
                + braces(
                    {"job": job, "instance": at, "target": name, "source": "redis"}
                ),
                "values": "1x30",
            }
            for job, at, name in ways
        ],
        "alert_rule_test": [
            {
                "eval_time": f"{minute}m",
                "alertname": "ScrapedTwice",
                "exp_alerts": [alert] if fires and minute >= hold else [],
            }
            for minute in (hold - 1, hold)
        ],
    }
