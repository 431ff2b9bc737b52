"""What hides critical alerts, from what Alertmanager's API says."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config import Config
from exporter.promises import plan_of
from exporter.render.files import rule_groups
from exporter.sidecar.alertmanagers import Seen, faults
from exporter.sidecar.silences import critical, hidden

FULL = {"alertname": "Full", "severity": "critical", "kpi": "full"}
SLOW = {"alertname": "Slow", "severity": "critical", "kpi": "slow"}


def silence(*matchers: tuple[str, str, str], state: str = "active") -> dict[str, Any]:
    return {
        "id": "s1",
        "status": {"state": state},
        "matchers": [
            {
                "name": name,
                "value": value,
                "isRegex": "~" in sign,
                "isEqual": "!" not in sign,
            }
            for name, sign, value in matchers
        ],
        "createdBy": "ops",
        "comment": "moving",
        "endsAt": "2020-02-02T10:00:00Z",
    }


def alert(silenced: list[str], inhibited: list[str]) -> dict[str, Any]:
    status = {"silencedBy": silenced, "inhibitedBy": inhibited}
    return {"labels": {**FULL, "target": "shop"}, "status": status}


@pytest.mark.parametrize(
    ("matchers", "names"),
    [
        ((("severity", "=", "critical"),), "Full, Slow"),
        ((("kpi", "=~", "fu.*"),), "Full"),
        ((("kpi", "=~", "fu"),), ""),
        ((("kpi", "!=", "full"),), "Slow"),
        ((("kpi", "!~", "f.*|s.*"),), ""),
        ((("target", "=", "shop"),), "Full, Slow"),
        ((("target", "=", "shop"), ("severity", "=", "warning")), ""),
        ((("kpi", "=~", r"\pL+("),), "Full, Slow"),
    ],
)
def test_a_silence_is_shown_with_the_critical_alerts_that_it_would_hide(
    matchers: tuple[tuple[str, str, str], ...], names: str
) -> None:
    found = hidden([], [silence(*matchers)], [FULL, SLOW])
    assert [(each.what, each.firing) for each in found] == (
        [(names, False)] if names else []
    )


def test_a_silence_that_is_over_hides_nothing() -> None:
    over = silence(("kpi", "=", "full"), state="expired")
    assert hidden([], [over], [FULL]) == []


def test_what_fires_is_shown_with_whom_it_is_about_and_what_hides_it() -> None:
    silenced, inhibited = alert(["s1"], []), alert([], ["f1", "f2"])
    known = [silence(("kpi", "!=", "full"))]
    assert hidden([silenced, inhibited], known, []) == [
        (
            "Full on shop",
            "{kpi!=full} by ops until 2020-02-02T10:00:00Z: moving",
            "silenced",
            True,
        ),
        ("Full on shop", "2 other alerts", "inhibited", True),
    ]


def test_many_names_are_cut() -> None:
    known = [{**FULL, "alertname": f"A{n}"} for n in range(8)]
    (found,) = hidden([], [silence(("target", "=", "x"))], known)
    assert found.what == "A0, A1, A2, A3, A4 and 3 more"


def test_critical_alerts_are_known_from_the_rendered_rules() -> None:
    found = critical(rule_groups(plan_of(Config())))
    names = {labels["alertname"] for labels in found}
    assert {"PgConnectionsUsed", "ExporterAbsent"} <= names
    assert {labels["severity"] for labels in found} == {"critical"}
    assert all("{{" not in value for labels in found for value in labels.values())


WATCHDOG: dict[str, Any] = {"status": {"silencedBy": [], "inhibitedBy": []}}


@pytest.mark.parametrize(
    ("seen", "configured", "words"),
    [
        (Seen("ready", 2, [WATCHDOG], [], []), 2, []),
        (Seen("disabled", None, [WATCHDOG], [], []), 1, []),
        (Seen("disabled", None, [WATCHDOG], [], []), 2, ["no cluster"]),
        (Seen("ready", 1, [WATCHDOG], [], []), 2, ["sees 1 of 2"]),
        (Seen("ready", 3, [WATCHDOG], [], []), 2, ["has 3 members"]),
        (Seen("settling", 2, [WATCHDOG], [], []), 2, ["still joining"]),
        (Seen("ready", 2, [], [], []), 2, ["has no Watchdog"]),
        (Seen("ready", 2, [alert(["s"], [])], [], []), 2, ["Watchdog is silenced"]),
    ],
)
def test_what_is_wrong_with_an_alertmanager_is_said(
    seen: Seen, configured: int, words: list[str]
) -> None:
    found = faults(seen, configured)
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True))
