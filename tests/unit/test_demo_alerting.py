"""What the demo tells Prometheus and Alertmanager, and how it shows what arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.config_load import load
from exporter.demo.alerting import settings
from exporter.demo.alerting.notice import Notice, notices, style, text
from exporter.demo.settings import Watch, Watched, render

if TYPE_CHECKING:
    from pathlib import Path

LOCKED = Notice(
    "PgLockWaiters",
    firing=True,
    labels={"target": "shop", "instance": "i:1", "severity": "warning"},
    annotations={
        "summary": "Sessions that wait for a lock: 6 on shop",
        "description": "Promised is at most 0. Does somebody wait?",
        "evidence": "migration in shop: idle in transaction for 3s\napp waits for 2s\n",
        "runbook_url": "http://localhost/runbooks/pg_lock_waiters",
    },
)


def test_a_notice_is_shown_with_promise_limit_cause_and_runbook() -> None:
    assert text(LOCKED) == (
        "WARNING Sessions that wait for a lock: 6 on shop\n"
        "            Promised is at most 0. Does somebody wait?\n"
        "            cause: migration in shop: idle in transaction for 3s\n"
        "            cause: app waits for 2s\n"
        "            runbook: http://localhost/runbooks/pg_lock_waiters"
    )


def test_the_end_of_an_alert_is_one_line() -> None:
    assert text(LOCKED._replace(firing=False)) == "over: PgLockWaiters on shop"


def test_the_watchdog_is_one_line() -> None:
    watchdog = Notice(
        "Watchdog", firing=True, labels={"severity": "none"}, annotations={}
    )
    assert text(watchdog) == "Watchdog: alerts arrive here"


@pytest.mark.parametrize(
    ("labels", "who"),
    [
        ({"target": "shop", "instance": "i", "job": "j"}, "shop"),
        ({"application": "web", "instance": "i"}, "web"),
        ({"instance": "i"}, "i"),
        ({}, ""),
    ],
)
def test_an_alert_is_about_target_application_or_instance(
    labels: dict[str, str], who: str
) -> None:
    assert LOCKED._replace(labels=labels).who == who


def test_colours_tell_severity_and_end() -> None:
    critical = LOCKED._replace(labels={"severity": "critical"})
    shown = [style(each) for each in (critical, LOCKED, LOCKED._replace(firing=False))]
    assert shown == ["bold red", "yellow", "green"]


def test_a_webhook_call_holds_several_alerts() -> None:
    alert = {"labels": {"alertname": "A"}, "annotations": {"summary": "s"}}
    call = {"alerts": [{**alert, "status": s} for s in ("firing", "resolved")]}
    found = notices(json.loads(json.dumps(call)))
    assert [(n.name, n.firing, n.annotations) for n in found] == [
        ("A", True, {"summary": "s"}),
        ("A", False, {"summary": "s"}),
    ]


def test_prometheus_scrapes_what_the_configuration_calls_an_application(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    file = tmp_path / "exporter.yaml"
    file.write_text(
        render(Watch("127.0.0.1:1", redis=Watched("redis://127.0.0.1:3/0", secret)))
    )
    ((name, application),) = load(file).applications.items()
    jobs = yaml.safe_load(
        settings.prometheus(exporter="a:1", application="b:2", alertmanager="c:3")
    )["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["kpi-exporter", name]
    assert (application.selector, application.targets) == (f'job="{name}"', ("cache",))


def test_alertmanager_waits_for_nothing_and_sends_each_alert_alone() -> None:
    made = yaml.safe_load(settings.alertmanager("http://127.0.0.1:9/"))
    route = made["route"]
    assert (route["group_wait"], route["group_by"]) == ("0s", ["..."])
    assert made["receivers"][0]["webhook_configs"] == [{"url": "http://127.0.0.1:9/"}]
