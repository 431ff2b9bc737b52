"""End to end: a fault is broken into the demo, and its alert arrives at a webhook.

Four of the faults and a short idle time; `make e2e` tries all of them, for longer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.e2e.__main__ import run
from tests.e2e.expected import FAULTS

if TYPE_CHECKING:
    from tests.e2e.trial import Outcome, Result

CHOSEN = ("neo4j-drop-index", "redis-full", "lock", "app-errors")
IDLE = 20.0


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return asyncio.run(run([f for f in FAULTS if f.fault in CHOSEN], IDLE))


def result_of(fault: str, outcome: Outcome) -> Result:
    return next(each for each in outcome.results if each.expected.fault == fault)


def test_without_a_fault_only_what_is_true_arrives_and_every_panel_shows_something(
    outcome: Outcome,
) -> None:
    assert outcome.idle.problems == []


@pytest.mark.parametrize("fault", CHOSEN)
def test_a_fault_brings_its_alert_with_its_cause_fills_its_panels_and_ends(
    fault: str, outcome: Outcome
) -> None:
    assert result_of(fault, outcome).problems == []


def test_no_notification_comes_before_an_evaluation_saw_the_fault(
    outcome: Outcome,
) -> None:
    times = [(r.seen, r.notified) for r in outcome.results]
    assert [t for t in times if None in t or (t[0] or 0) > (t[1] or 0)] == []


def test_no_panel_and_no_rule_is_dear(outcome: Outcome) -> None:
    panel, rule = outcome.costs
    assert panel.milliseconds < 1000, panel
    assert rule.milliseconds < 250, rule
