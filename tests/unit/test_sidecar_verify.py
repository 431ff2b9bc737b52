"""Wanted groups beside loaded ones, as Prometheus' API writes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from exporter.sidecar.verify import Grace, differences, unwell

NOW = 1580637600.0  # 2020-02-02T10:00:00Z
WANTED: dict[str, list[dict[str, Any]]] = {
    "kpi-x.yaml": [
        {
            "name": "kpi-x",
            "rules": [
                {"record": "a:b:c", "expr": "sum by(job) (rate(x_total[300s]))"},
                {
                    "alert": "Full",
                    "expr": "a:b:c > 0.50",
                    "for": "300s",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "{{ $value }}"},
                },
            ],
        }
    ]
}
EVALUATED = {"health": "ok", "lastEvaluation": "2020-02-02T09:59:50.123456789Z"}
LOADED: dict[str, Any] = {
    "name": "kpi-x",
    "file": "/etc/prometheus/rules/kpi-x.yaml",
    "interval": 15,
    "evaluationTime": 0.01,
    "lastEvaluation": "2020-02-02T09:59:50Z",
    "rules": [
        {
            "name": "a:b:c",
            "query": "sum by (job) (rate(x_total[5m]))",
            "type": "recording",
            **EVALUATED,
        },
        {
            "name": "Full",
            "query": "a:b:c > 0.5",
            "duration": 300,
            "labels": {"severity": "critical"},
            "annotations": {"summary": "{{ $value }}"},
            "type": "alerting",
            **EVALUATED,
        },
    ],
}
THEIRS = {**LOADED, "name": "theirs", "file": "/etc/prometheus/rules/theirs.yaml"}


def changed(place: int, **values: Any) -> dict[str, Any]:
    """Return the loaded group with another rule."""
    group = copy.deepcopy(LOADED)
    group["rules"][place].update(values)
    return group


def test_the_same_rules_in_prometheus_own_spelling_are_the_same() -> None:
    assert differences(WANTED, [LOADED, THEIRS]) == []


@pytest.mark.parametrize(
    ("loaded", "said"),
    [
        ([], "none of the groups is loaded: does rule_files"),
        ([changed(1, query="a:b:c > 0.6")], "rule Full"),
        ([changed(1, duration=60)], "rule Full"),
        ([changed(1, labels={})], "rule Full"),
        ([changed(1, annotations={})], "rule Full"),
        ([changed(0, query="sum by (job) (rate(x_total[1m]))")], "rule a:b:c"),
        ([{**LOADED, "rules": LOADED["rules"][:1]}], "has 1 rules, not 2"),
        ([LOADED, {**LOADED, "file": "/r/old.yaml"}], "from /r/old.yaml as well"),
        ([LOADED, LOADED], "as well"),
        ([LOADED, {**LOADED, "name": "more"}], "group more of"),
    ],
)
def test_any_difference_is_said(loaded: list[dict[str, Any]], said: str) -> None:
    (found,) = differences(WANTED, loaded)
    assert said in found


def test_the_same_group_of_another_folder_is_not_ours() -> None:
    place = str(LOADED["file"])
    assert differences(WANTED, [LOADED], {place}) == [
        "none of the groups is loaded: does rule_files name the folder?",
        f"group kpi-x is loaded from {place}, which is not in our folder",
    ]
    mine = {**LOADED, "file": "/mine/kpi-x.yaml"}
    for both in ([LOADED, mine], [mine, LOADED]):
        said = differences(WANTED, both, {place})
        assert said == [f"group kpi-x is loaded from {place} as well"]


def test_a_group_that_is_not_loaded_is_named() -> None:
    more = {**WANTED, "kpi-y.yaml": [{"name": "kpi-y", "rules": []}]}
    assert differences(more, [LOADED]) == ["group kpi-y of kpi-y.yaml is not loaded"]


def test_rules_that_fail_or_are_late_are_said_and_others_not() -> None:
    assert unwell([LOADED], NOW) == ([], True)
    failing = changed(1, health="err", lastError="vector contains same labelset")
    assert unwell([failing], NOW) == (
        ["rule Full of group kpi-x fails: vector contains same labelset"],
        True,
    )
    assert unwell([LOADED], NOW + 60)[0] == ["group kpi-x was last evaluated 70 s ago"]
    slow = {**LOADED, "evaluationTime": 20}
    assert unwell([slow], NOW)[0] == ["group kpi-x takes 20 s of its 15 s"]


def test_a_rule_that_was_never_evaluated_is_waited_for() -> None:
    new = changed(0, health="unknown", lastEvaluation="0001-01-01T00:00:00Z")
    assert unwell([new], NOW) == ([], False)


def over(grace: Grace, now: float, *, evaluated: bool) -> bool:
    return grace.over([LOADED, {**LOADED, "interval": 60}], now, evaluated=evaluated)


def test_rules_have_two_of_their_longest_intervals_from_when_they_are_loaded() -> None:
    grace = Grace()
    looks = [(1000, False), (1130, False), (1131, False), (1200, True)]
    found = [over(grace, now, evaluated=evaluated) for now, evaluated in looks]
    assert found == [False, False, True, True]


def test_rules_that_are_unevaluated_again_have_their_time_again() -> None:
    grace = Grace()
    assert not over(grace, 1000, evaluated=True)
    assert over(grace, 2000, evaluated=True)
    assert not over(grace, 2001, evaluated=False)
    assert not over(grace, 2130, evaluated=False)
    assert over(grace, 2132, evaluated=False)
