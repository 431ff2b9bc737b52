"""Alertmanager's webhook body: what is read of it, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exporter.sidecar.payload import Alert, PayloadError, parse, read

FIRING = {
    "status": "firing",
    "labels": {"alertname": "Watchdog", "severity": "none"},
    "annotations": {"summary": "Alerts arrive"},
    "startsAt": "2020-02-02T10:00:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://p/graph",
    "fingerprint": "abc",
}
RESOLVED = {**FIRING, "status": "resolved", "endsAt": "2020-02-02T12:00:00+01:00"}
CALL = {
    "version": "4",
    "groupKey": "{}:{}",
    "truncatedAlerts": 2,
    "receiver": "sidecar",
    "externalURL": "http://am:9093",
    "alerts": [FIRING, RESOLVED],
}


def test_a_call_is_read_with_its_times() -> None:
    payload = parse(CALL)
    assert payload[:4] == ("sidecar", "{}:{}", "http://am:9093", 2)
    firing, resolved = payload.alerts
    assert firing == Alert(
        "abc",
        True,  # noqa: FBT003 - a field of a tuple
        {"alertname": "Watchdog", "severity": "none"},
        {"summary": "Alerts arrive"},
        1580637600.123456,
        None,
        "http://p/graph",
    )
    assert (firing.name, resolved.firing, resolved.ends) == (
        "Watchdog",
        False,
        1580641200.0,
    )


def test_what_fires_has_not_ended_whenever_it_will() -> None:
    (alert,) = parse({"alerts": [{**RESOLVED, "status": "firing"}]}).alerts
    assert (alert.firing, alert.ends) == (True, None)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"alerts": {}},
        {"alerts": [1]},
        {"alerts": [{**FIRING, "startsAt": "yesterday"}]},
        {"alerts": [{**FIRING, "startsAt": None}]},
        {"alerts": [{**FIRING, "labels": [1]}]},
        {"alerts": [{**FIRING, "labels": {"alertname": {"a": 1}}}]},
        {"alerts": [{**FIRING, "status": "weird"}]},
        {"alerts": [{**FIRING, "status": ["firing"]}]},
        {"alerts": [{k: v for k, v in FIRING.items() if k != "fingerprint"}]},
    ],
)
def test_what_is_no_call_is_refused(body: Any) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(body)
    assert not re.search(r"Error|object has no|[(]'", str(caught.value))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"{}", "it is no object with a list of alerts"),
    ],
)
def test_what_is_refused_is_said_in_words(body: bytes, said: str) -> None:
    with pytest.raises(PayloadError, match=f"^{said}$"):
        read(body)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (1, "an alert is no object"),
        ({**FIRING, "status": "weird"}, "its status is neither firing nor resolved"),
        ({**FIRING, "fingerprint": ""}, "it has no fingerprint"),
        ({**FIRING, "startsAt": "yesterday"}, "its startsAt is no time"),
        ({**RESOLVED, "endsAt": "soon"}, "its endsAt is no time"),
        ({**FIRING, "annotations": 5}, "its annotations are no object"),
    ],
)
def test_an_alert_that_cannot_be_read_costs_none_beside_it(odd: Any, said: str) -> None:
    payload = parse({"alerts": [odd, FIRING], "truncatedAlerts": "many"})
    assert [alert.fingerprint for alert in payload.alerts] == ["abc"]
    assert (payload.unread, payload.truncated) == ((said,), 0)
