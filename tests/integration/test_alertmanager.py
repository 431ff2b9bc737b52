"""deploy/alertmanager in a real Alertmanager: who is told what, in which words."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.alertmanager_process import DEPLOY, Alertmanager, alert, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = {"job": "kpi-exporter", "instance": "i:1", "target": "shop"}
FULL = {**SHOP, "alertname": "PgConnectionsUsed", "kpi": "pg_connections_used"}
FULL_TEXTS = {
    "summary": "Connections against the usable limit: 97% on shop",
    "description": "Promised is at most 95%. Can one more client connect?",
    "evidence": "app & <co> holds 90 connections, active\n"
    "job holds 7 connections, idle\n",
    "runbook_url": "http://exporter/runbooks/pg_connections_used",
    "dashboard_url": "http://grafana/d/kpi-postgres?var-target=shop",
}
LOCKED = {**SHOP, "alertname": "PgLockWaiters", "kpi": "pg_lock_waiters"}
LOCKED_TEXTS = {
    "summary": "Sessions that wait for a lock: 6 on shop",
    "description": "Promised is at most 0. Does somebody wait for a lock, and who?",
    "runbook_url": "http://exporter/runbooks/pg_lock_waiters",
    "dashboard_url": "http://grafana/d/kpi-postgres?var-target=shop",
}
PAGE = {"severity": "critical"}
TICKET = {"severity": "warning"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path) as running:
        yield running


def slack(manager: Alertmanager, channel: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait for messages in a channel and return what was drawn of each."""

    def found() -> list[dict[str, Any]]:
        calls = [c.body for c in manager.sinks.calls if c.path == "/slack"]
        return [b["attachments"][0] for b in calls if b["channel"] == channel]

    assert until(lambda: len(found()) >= count), manager.sinks.calls
    return found()


def paths(manager: Alertmanager) -> set[str]:
    return {
        call.path if call.path != "/slack" else call.body["channel"]
        for call in manager.sinks.calls
        if call.path != "/sidecar"
    }


def test_amtool_finds_no_fault() -> None:
    done = subprocess.run(
        ["amtool", "check-config", DEPLOY / "alertmanager.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 templates\n  SUCCESS" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=critical target=shop", "pages"),
        ("severity=warning target=shop", "tickets"),
        ("severity=info target=shop", "nobody"),
        ("severity=critical target=shop kpi=full", "sidecar,pages"),
        ("severity=warning target=shop kpi=full", "sidecar,tickets"),
        ("severity=none alertname=Watchdog kpi=watchdog", "sidecar,dead-man"),
        ("severity=none alertname=KpiSidecarProbe", "sidecar"),
        ("severity=none alertname=Another", "nobody"),
        ("alertname=OfSomebodyElse", "tickets"),
    ],
)
def test_severity_decides_who_is_told(labels: str, receiver: str) -> None:
    command = ["amtool", "config", "routes", "test"]
    file = f"--config.file={DEPLOY / 'alertmanager.yml'}"
    done = subprocess.run(
        [*command, file, *labels.split()], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == receiver


PLAIN = (
    "Connections against the usable limit: 97% on shop\n"
    "  Promised is at most 95%. Can one more client connect?\n"
    "  Cause:     app & <co> holds 90 connections, active\n"
    "  Cause:     job holds 7 connections, idle\n"
    "  Since:     2020-02-02 10:00:00 UTC\n"
    "  Runbook:   http://exporter/runbooks/pg_connections_used\n"
    "  Dashboard: http://grafana/d/kpi-postgres?var-target=shop"
)
HTML = (
    "<!DOCTYPE html>\n"
    '<html lang="en">\n'
    '<body style="font-family: sans-serif; line-height: 1.5">\n'
    '<h3 style="margin: 1em 0 0">'
    "Connections against the usable limit: 97% on shop</h3>\n"
    '<p style="margin: 0">Promised is at most 95%. Can one more client connect?'
    "</p>\n"
    '<pre style="margin: 0.5em 0; padding: 0.5em; background: #eee">'
    "app &amp; &lt;co&gt; holds 90 connections, active\n"
    "job holds 7 connections, idle\n"
    "</pre>\n"
    '<p style="margin: 0">Since 2020-02-02 10:00:00 UTC'
    ' · <a href="http://exporter/runbooks/pg_connections_used">Runbook</a>'
    ' · <a href="http://grafana/d/kpi-postgres?var-target=shop">Dashboard</a></p>\n'
    "</body>\n"
    "</html>"
)


def test_a_page_goes_to_slack_and_mail_in_full(manager: Alertmanager) -> None:
    manager.post(alert({**FULL, **PAGE}, FULL_TEXTS))
    (message,) = slack(manager, "#on-call")
    assert {key: message[key] for key in ("title", "title_link", "text", "color")} == {
        "title": "CRITICAL: Connections against the usable limit: 97% on shop",
        "title_link": "http://grafana/d/kpi-postgres?var-target=shop",
        "text": "Promised is at most 95%. Can one more client connect?\n"
        "• app &amp; &lt;co&gt; holds 90 connections, active\n"
        "• job holds 7 connections, idle\n"
        "<http://exporter/runbooks/pg_connections_used|Runbook>"
        " · <http://grafana/d/kpi-postgres?var-target=shop|Dashboard>\n",
        "color": "danger",
    }
    assert until(lambda: len(manager.sinks.mails) == 1)
    (mail,) = manager.sinks.mails
    assert mail["Subject"] == message["title"]
    assert mail["To"] == "on-call@example.org"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert text.replace("\r\n", "\n").rstrip() == PLAIN
    assert html.replace("\r\n", "\n").rstrip() == HTML


def test_a_ticket_goes_to_the_team_alone_and_info_to_nobody(
    manager: Alertmanager,
) -> None:
    manager.post(
        alert({**FULL, "severity": "info", "target": "another"}, FULL_TEXTS),
        alert({**LOCKED, **TICKET}, LOCKED_TEXTS),
        alert({"alertname": "Watchdog", "severity": "none"}),
    )
    (message,) = slack(manager, "#tickets")
    assert (message["title"], message["color"]) == (
        "WARNING: Sessions that wait for a lock: 6 on shop",
        "warning",
    )
    assert until(lambda: "/dead-man" in paths(manager))
    assert (paths(manager), manager.sinks.mails) == ({"#tickets", "/dead-man"}, [])


def test_the_sidecar_is_told_of_every_promise_and_of_the_watchdog(
    manager: Alertmanager,
) -> None:
    manager.post(
        alert({**FULL, **PAGE}, FULL_TEXTS),
        alert({"alertname": "Watchdog", "severity": "none", "kpi": "watchdog"}),
    )

    def told() -> set[str]:
        calls = [c.body for c in manager.sinks.calls if c.path == "/sidecar"]
        return {a["labels"]["alertname"] for body in calls for a in body["alerts"]}

    assert until(lambda: told() == {"PgConnectionsUsed", "Watchdog"}), told()
    assert until(lambda: {"#on-call", "/dead-man"} <= paths(manager))


def test_what_is_broken_on_one_target_is_one_message(manager: Alertmanager) -> None:
    other = {**LOCKED, **PAGE, "target": "depot"}
    manager.post(
        alert({**LOCKED, **PAGE}, LOCKED_TEXTS),
        alert({**FULL, **PAGE}, FULL_TEXTS),
        alert(other, LOCKED_TEXTS),
    )
    messages = {m["title"]: m["text"] for m in slack(manager, "#on-call", 2)}
    assert set(messages) == {
        "CRITICAL: 2 promises are broken on shop",
        "CRITICAL: Sessions that wait for a lock: 6 on shop",
    }
    assert messages["CRITICAL: 2 promises are broken on shop"] == (
        "*Connections against the usable limit: 97% on shop*\n"
        "Promised is at most 95%. Can one more client connect?\n"
        "• app &amp; &lt;co&gt; holds 90 connections, active\n"
        "• job holds 7 connections, idle\n"
        "<http://exporter/runbooks/pg_connections_used|Runbook>"
        " · <http://grafana/d/kpi-postgres?var-target=shop|Dashboard>\n"
        "\n"
        "*Sessions that wait for a lock: 6 on shop*\n"
        "Promised is at most 0. Does somebody wait for a lock, and who?\n"
        "<http://exporter/runbooks/pg_lock_waiters|Runbook>"
        " · <http://grafana/d/kpi-postgres?var-target=shop|Dashboard>\n"
        "\n"
    )


def test_the_end_is_told_without_the_old_value(manager: Alertmanager) -> None:
    labels = {**FULL, **TICKET}
    manager.post(alert(labels, FULL_TEXTS))
    slack(manager, "#tickets")
    manager.post(alert(labels, FULL_TEXTS, ended="2020-02-02T10:04:00Z"))
    message = slack(manager, "#tickets", 2)[-1]
    assert {key: message[key] for key in ("title", "text", "color")} == {
        "title": "KEPT AGAIN: PgConnectionsUsed on shop",
        "text": "PgConnectionsUsed is kept again: broken from 2020-02-02 10:00:00 to"
        " 2020-02-02 10:04:00 UTC\n",
        "color": "good",
    }


@pytest.mark.parametrize(
    ("labels", "title"),
    [
        ({"application": "web", "job": "j", "instance": "i"}, "web"),
        ({"job": "j", "instance": "i:1"}, "i:1"),
        ({}, "Prometheus"),
    ],
)
def test_without_a_target_the_title_says_whom_it_is_about(
    labels: dict[str, str], title: str, manager: Alertmanager
) -> None:
    both = [{**PAGE, **labels, "alertname": name} for name in ("One", "Two")]
    manager.post(*(alert(each) for each in both))
    (message,) = slack(manager, "#on-call")
    assert message["title"] == f"CRITICAL: 2 promises are broken on {title}"
