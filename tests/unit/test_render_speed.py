"""What a trial makes quicker: every window and wait, and nothing that is promised."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.render.files import Format, files
from exporter.render.speed import shortened

PLAN = Plan(subjects=catalogue(), interval=5.0)


def rules(plan: Plan) -> list[dict[str, Any]]:
    made = files(plan, Format.PROMETHEUS, {})
    texts = [text for path, text in made.items() if re.match(r"rules/\w+\.yaml", path)]
    groups = [group for text in texts for group in yaml.safe_load(text)["groups"]]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rate(a[1h]) / rate(b[1h])", "rate(a[60s]) / rate(b[60s])"),
        ("deriv(a[1h30m])", "deriv(a[90s])"),
        ("rate(a[5m])", "rate(a[20s])"),
        ("rate(a[15s])", "rate(a[15s])"),
        ("avg_over_time(up[3d])", "avg_over_time(up[4320s])"),
    ],
)
def test_a_window_is_divided_but_not_below_the_least(before: str, after: str) -> None:
    assert shortened(before, 60, 20.0) == after


def test_nothing_but_windows_is_changed() -> None:
    text = 'a{path=~"[a-z]+", le="5"} > 300 and on (job) b'
    assert shortened(text, 60, 20.0) == text


def test_every_window_of_the_catalogue_gets_shorter() -> None:
    units = [
        set(re.findall(r"\[.*?(\w)\]", " ".join(rule["expr"] for rule in made)))
        for made in (rules(PLAN), rules(replace(PLAN, speed=60)))
    ]
    assert units == [{"m", "h", "d"}, {"s"}]


def test_waits_get_shorter_and_last_a_second_at_least() -> None:
    pairs = zip(rules(PLAN), rules(replace(PLAN, speed=60)), strict=True)
    waits = {
        (before["for"], after["for"]) for before, after in pairs if "for" in before
    }
    assert {("300s", "5s"), ("60s", "1s")} <= waits
    assert all(
        int(after[:-1]) == max(1, round(int(before[:-1]) / 60))
        for before, after in waits
    )


def test_limits_labels_and_texts_stay() -> None:
    def rest(plan: Plan) -> list[dict[str, Any]]:
        return [
            {**rule, "for": "", "expr": re.sub(r"\[\w+\]", "[]", rule["expr"])}
            for rule in rules(plan)
        ]

    assert rest(replace(PLAN, speed=60)) == rest(PLAN)


def test_the_tests_of_rules_are_left_out() -> None:
    made = files(replace(PLAN, speed=60), Format.PROMETHEUS, {})
    assert [path for path in made if path.startswith("rules/tests")] == []
