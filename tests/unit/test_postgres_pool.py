"""Third and fourth moments are told by how polls differ, unless the load changes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from exporter.collectors._postgres_moments import Window
from exporter.collectors._postgres_pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOADS: dict[str, Callable[[random.Random], float]] = {
    "two kinds": lambda dice: 0.15 if dice.random() < 0.1 else 0.001,
    "cached or not": lambda dice: (
        dice.lognormvariate(-4, 0.6)
        if dice.random() < 0.15
        else dice.lognormvariate(-8, 0.4)
    ),
    "exponential": lambda dice: dice.expovariate(25),
}


def window(calls: Sequence[float]) -> Window:
    mean = sum(calls) / len(calls)
    variance = sum((call - mean) ** 2 for call in calls) / len(calls)
    return Window((), len(calls), mean, variance, min(calls), max(calls))


def central(calls: Sequence[float], order: int) -> float:
    mean = sum(calls) / len(calls)
    return sum((call - mean) ** order for call in calls) / len(calls)


@pytest.mark.parametrize("load", LOADS)
def test_the_polls_of_a_steady_load_tell_its_higher_moments(load: str) -> None:
    dice, pool, calls = random.Random(load), Pool(), list[float]()
    for _ in range(60):
        fresh = [LOADS[load](dice) for _ in range(200)]
        pool.add(window(fresh))
        calls += fresh
    higher = pool.higher(20)
    assert higher is not None
    assert pool.steady()
    assert higher.third == pytest.approx(central(calls, 3), rel=0.25)
    assert higher.fourth == pytest.approx(central(calls, 4), rel=0.4)


def test_a_load_that_changes_is_not_steady_and_tells_nothing() -> None:
    dice, pool = random.Random(5), Pool()
    for poll in range(40):
        slower = 4 if poll % 8 == 0 else 1
        pool.add(window([slower * dice.expovariate(25) for _ in range(200)]))
    assert not pool.steady()
    assert pool.higher(20) is None


def test_a_few_polls_tell_nothing_yet() -> None:
    dice, pool = random.Random(6), Pool()
    for _ in range(4):
        pool.add(window([dice.expovariate(25) for _ in range(200)]))
    assert pool.steady()
    assert pool.higher(20) is None


def test_exact_durations_count_like_the_others() -> None:
    pool, same = Pool(), Pool()
    pool.add(Window((0.5, 0.1), 2, 0.3, 0.01, 0.2, 0.4))
    same.add(window([0.5, 0.1, 0.2, 0.4]))
    assert pool.mean == pytest.approx(same.mean)
    assert pool.variance == pytest.approx(same.variance)
