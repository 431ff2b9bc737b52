"""How long statements took: exact where it can be, near the truth, never impossible."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.loader import catalogue
from exporter.catalogue.profiles import Profile
from exporter.collectors._postgres_durations import (
    LADDER,
    LIMITS,
    Durations,
    Grown,
    Logged,
    Seen,
)
from exporter.collectors._postgres_memory import Known, Memory, Running
from exporter.collectors._postgres_moments import Counted, window
from exporter.promises import STATEMENT_KPIS
from tests.unit.test_postgres_moments import counted

if TYPE_CHECKING:
    from collections.abc import Callable


def cached(dice: random.Random) -> float:
    """Take a call's seconds, which is slow where its page is not in memory."""
    if dice.random() < 0.15:
        return dice.lognormvariate(-3.9, 0.6)
    return dice.lognormvariate(-8.1, 0.4)


KEY = (11, 1, 7)
NOBODY = Seen(Running({}, 0.0))
LOADS: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda dice: dice.lognormvariate(-4, 1),
    "bimodal": lambda dice: dice.gauss(0.15, 0.005) if dice.random() < 0.1 else 0.001,
    "exponential": lambda dice: dice.expovariate(20),
    "heavy tail": lambda dice: min(20.0, 0.004 * dice.paretovariate(1.3)),
}


def durations(*polls: list[float], limits: tuple[float, ...] = ()) -> Durations:
    """Poll a statement that each time was called for so long."""
    state = Durations()
    state.update([], NOBODY, limits, ["shop"])
    calls: list[float] = []
    for poll in polls:
        old = counted(calls) if calls else None
        calls += poll
        grown = [Grown(KEY, "shop", counted(calls), old)]
        state.update(grown, NOBODY, limits, ["shop"])
    return state


def cumulative(state: Durations, place: str = "shop") -> dict[float, int]:
    return dict(state.accounts[place].cumulative())


def test_sum_and_count_are_exact() -> None:
    account = durations([0.1, 0.2], [0.3] * 5 + [0.7]).accounts["shop"]
    assert account.calls == 8
    assert account.seconds == pytest.approx(2.5)


def test_few_calls_are_in_their_buckets() -> None:
    found = cumulative(durations([0.04], [0.06, 0.4], [0.08]))
    assert [found[bound] for bound in (0.03, 0.05, 0.075, 0.1, 0.3, 0.5, 60.0)] == [
        *(0, 1, 2, 3, 3, 4, 4)
    ]


def test_a_limit_of_ones_own_is_a_bound_and_a_threshold() -> None:
    state = durations([0.07], [0.09], limits=(0.08,))
    assert cumulative(state)[0.08] == 1
    slower = state.accounts["shop"].slower[0.08]
    assert (slower.least, slower.estimate, slower.most) == (1, 1, 1)


def test_buckets_never_shrink_and_never_exceed_the_count() -> None:
    dice = random.Random(4)
    polls = [[dice.lognormvariate(-3, 1.2) for _ in range(40)] for _ in range(20)]
    before = [0] * len(LADDER)
    for number in range(1, len(polls)):
        state = durations(*polls[:number])
        now = list(cumulative(state).values())
        assert now == sorted(now)
        assert all(a >= b for a, b in zip(now, before, strict=True))
        assert now[-1] <= state.accounts["shop"].calls
        before = now


@pytest.mark.parametrize("load", LOADS)
def test_the_estimate_is_near_the_truth_and_within_what_is_certain(load: str) -> None:
    dice = random.Random(load)
    polls = [[LOADS[load](dice) for _ in range(300)] for _ in range(20)]
    account = durations(*polls).accounts["shop"]
    calls = [call for poll in polls for call in poll]
    for limit, slower in account.slower.items():
        true = sum(call > limit for call in calls)
        assert slower.least <= true <= slower.most
        assert slower.least <= slower.estimate <= slower.most
        near = pytest.approx(true, rel=0.35, abs=0.01 * len(calls))
        assert slower.estimate == near


def test_ages_of_running_calls_tell_two_kinds_from_one() -> None:
    dice = random.Random(1)
    state, calls, old = Durations(), list[float](), None
    state.update([], NOBODY, (), ["shop"])
    for poll in range(30):
        fresh = [0.3 if dice.random() < 0.03 else 0.002 for _ in range(600)]
        calls += fresh if poll else [*fresh, 30.0]
        ages = [dice.uniform(0, call) for call in fresh if dice.random() < call]
        grown = [Grown(KEY, "shop", counted(calls), old)]
        state.update(grown, Seen(Running({KEY: ages}, 1.0)), (), ["shop"])
        old = counted(calls)
    slower = state.accounts["shop"].slower[0.1]
    assert slower.estimate / len(calls) == pytest.approx(0.03, abs=0.005)


def polled(
    load: Callable[[random.Random], float], size: int, polls: int, others: int = 0
) -> tuple[Durations, list[float]]:
    """Poll a load that is looked at once a second, and others, each called once."""
    dice = random.Random(size)
    state, calls, old = Durations(), list[float](), None
    state.update([], NOBODY, (), ["shop"])
    one = Counted(1, 1e-5, 0.0, 1e-5, 1e-5)
    for _ in range(polls):
        fresh = [load(dice) for _ in range(size)]
        calls += fresh
        ages = [dice.uniform(0, call) for call in fresh if dice.random() < call]
        grown = [Grown(KEY, "shop", counted(calls), old)]
        grown += [Grown((11, 1, -key), "shop", one, None) for key in range(others)]
        state.update(grown, Seen(Running({KEY: ages}, 1.0)), (), ["shop"])
        old = counted(calls)
    return state, sorted(calls)


@pytest.mark.parametrize("others", [0, 500])
def test_two_kinds_of_calls_are_told_by_how_polls_differ(others: int) -> None:
    state, calls = polled(LOADS["bimodal"], 200, 60, others)
    for limit in (0.05, 0.1):
        true = sum(call > limit for call in calls)
        slower = state.accounts["shop"].slower[limit]
        assert slower.estimate == pytest.approx(true, rel=0.1)


def test_a_few_ages_do_not_outweigh_the_shape_that_the_moments_have() -> None:
    state, calls = polled(LOADS["heavy tail"], 1300, 20)
    for limit in (0.05, 0.1):
        true = sum(call > limit for call in calls)
        slower = state.accounts["shop"].slower[limit]
        assert slower.estimate == pytest.approx(true, rel=0.1)


def test_a_statement_that_has_learnt_leaves_the_turn_to_others() -> None:
    memory, dice = Memory(), random.Random(8)
    for _ in range(30):
        calls = [cached(dice) for _ in range(100)]
        seen = window(counted(calls), None)
        memory.add(seen, (), 0.0)
    assert memory.due
    memory.learn(Known(KEY, seen, min(calls), max(calls), len(calls)))
    assert memory.grid is not None
    assert not memory.due
    memory.add(seen, (), 0.0)
    assert not memory.due
    memory.add(seen, (), 0.0)
    memory.add(seen, (), 0.0)
    assert memory.due


@pytest.mark.parametrize("size", [150, 450])
def test_the_p95_of_calls_that_are_cached_or_not_is_near(size: int) -> None:
    state, calls = polled(cached, size, 40)
    ratio = state.accounts["shop"].quantile(0.95) / calls[int(0.95 * len(calls))]
    assert 1 / 1.25 < ratio < 1.25


@pytest.mark.parametrize("polls", [1, 12])
def test_a_few_pauses_do_not_widen_calls_of_microseconds(polls: int) -> None:
    def load(dice: random.Random) -> float:
        pause = dice.random() < 0.0005
        return (
            dice.lognormvariate(-6.2, 0.8)
            if pause
            else dice.lognormvariate(-10.9, 0.35)
        )

    state, calls = polled(load, 24_000 // polls, polls)
    ratio = state.accounts["shop"].quantile(0.95) / calls[int(0.95 * len(calls))]
    assert 1 / 1.25 < ratio < 1.25


def test_calls_without_a_duration_are_counted() -> None:
    state = durations([0.0, 0.0, 0.0, 0.0], [0.0] * 5)
    assert state.accounts["shop"].calls == 9


def test_what_the_log_has_is_exact_above_its_limit() -> None:
    dice = random.Random(2)
    state, calls, old = Durations(), list[float](), None
    state.update([], NOBODY, (), ["shop"])
    for _ in range(10):
        fresh = [LOADS["bimodal"](dice) for _ in range(200)]
        calls += fresh
        logged = Logged(0.1, {"shop": [call for call in fresh if call >= 0.1]})
        grown = [Grown(KEY, "shop", counted(calls), old)]
        state.update(grown, Seen(Running({}, 0.0), logged), (), ["shop"])
        old = counted(calls)
    true = sum(call > 0.1 for call in calls)
    slower = state.accounts["shop"].slower[0.1]
    assert (slower.least, slower.estimate, slower.most) == (true, true, true)
    assert cumulative(state)[0.1] == len(calls) - true
    assert cumulative(state)[0.05] <= len(calls) - true
    assert state.logged


def test_a_database_begins_at_0_and_its_first_calls_follow() -> None:
    state = Durations()
    state.update([], NOBODY, (), [])
    state.update([Grown(KEY, "new", counted([0.1]), None)], NOBODY, (), ["new"])
    assert state.accounts["new"].calls == 0
    state.update([], NOBODY, (), ["new"])
    assert state.accounts["new"].calls == 1


def test_beyond_thirty_databases_the_rest_is_summed() -> None:
    state = Durations()
    state.update([], NOBODY, (), [str(number) for number in range(40)])
    assert len(state.accounts) == 31
    assert "other" in state.accounts


def test_calls_of_which_only_the_mean_is_known_are_counted() -> None:
    state = durations([0.01])
    grown = Grown(None, "shop", Counted(50, 5.0, 0.0, 0.0, 0.0), None)
    state.update([grown], NOBODY, (), ["shop"])
    account = state.accounts["shop"]
    assert account.calls == 51
    assert account.seconds == pytest.approx(5.01)
    slower = account.slower[1.0]
    assert (slower.least, slower.most) == (0, 5)


def test_every_promised_limit_is_a_bound_and_a_threshold() -> None:
    kpis = [k for s in catalogue() for k in s.kpis if k.id in STATEMENT_KPIS]
    assert [kpi.id for kpi in kpis] == [*STATEMENT_KPIS]
    promised = {
        alert.limit
        for kpi in kpis
        for profile in Profile
        for alert in kpi.alerts_of(profile)
    }
    assert promised <= {*LADDER} & {*LIMITS}


def test_the_ladder_is_dense() -> None:
    steps = [high / low for low, high in pairwise(LADDER)]
    assert max(steps) <= 2
    assert all(math.isfinite(step) and step > 1 for step in steps)
    assert bisect_left(LADDER, 0.1) == LADDER.index(0.1)
