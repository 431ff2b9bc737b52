"""What is certain of the calls between two readings, tried on calls that are known."""

from __future__ import annotations

import random
from math import sqrt
from typing import TYPE_CHECKING

import pytest

from exporter.collectors._postgres_moments import Counted, window
from exporter.collectors._postgres_shares import above

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHAPES: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda dice: dice.lognormvariate(-4, 1.5),
    "bimodal": lambda dice: dice.choice([0.001, 0.15]),
    "exponential": lambda dice: dice.expovariate(10),
    "few values": lambda dice: dice.choice([0.05, 0.1, 0.2]),
    "constant": lambda _: 0.1,
    "uniform": lambda dice: dice.uniform(0, 0.2),
    "heavy tail": lambda dice: 0.001 * dice.paretovariate(1.1),
}


def counted(calls: Sequence[float]) -> Counted:
    """Count calls as the view does."""
    mean = sum(calls) / len(calls)
    squares = sum((call - mean) ** 2 for call in calls)
    deviation = sqrt(squares / len(calls))
    return Counted(len(calls), sum(calls), deviation, min(calls), max(calls))


def test_a_single_call_is_its_own_duration() -> None:
    seen = window(counted([0.1, 0.2, 0.3, 0.25]), counted([0.1, 0.2, 0.3]))
    assert seen.exact == pytest.approx((0.25,))
    assert seen.calls == 0


def test_two_calls_follow_from_mean_and_deviation() -> None:
    past = [0.1, 0.9]
    seen = window(counted([*past, 0.2, 0.3]), counted(past))
    assert sorted(seen.exact) == [pytest.approx(0.2), pytest.approx(0.3)]


def test_an_extreme_that_moved_is_a_call() -> None:
    past = [0.2, 0.3]
    seen = window(counted([*past, 0.1, 0.9, 0.25, 0.26]), counted(past))
    assert sorted(seen.exact) == [
        pytest.approx(duration) for duration in (0.1, 0.25, 0.26, 0.9)
    ]


def test_of_a_new_statement_both_extremes_are_calls() -> None:
    seen = window(counted([0.1, 0.2, 0.3, 0.4, 0.5]), None)
    assert seen.exact == (0.5, 0.1)
    assert seen.calls == 3
    assert seen.mean == pytest.approx(0.3)


def test_figures_that_disagree_leave_the_variance_unknown() -> None:
    old = Counted(100, 10.0, 5.0, 0.01, 50.0)
    seen = window(Counted(110, 11.0, 0.01, 0.01, 50.0), old)
    assert (seen.calls, seen.variance) == (10, None)
    assert above(seen, 0.5) == (0, 2)


def test_extremes_that_somebody_reset_bound_nothing() -> None:
    past, calls = [0.1, 2.0], [0.3, 1.0, 0.2, 0.25]
    forgot = counted([*past, *calls])._replace(low=0.2, high=0.25)
    seen = window(forgot, counted(past))
    least, most = above(seen, 0.9)
    assert least <= 1 <= most


@pytest.mark.parametrize("shape", SHAPES)
def test_the_guaranteed_interval_holds(shape: str) -> None:
    dice = random.Random(shape)
    violated = []
    for _ in range(1500):
        past = [SHAPES[shape](dice) for _ in range(dice.choice([0, 1, 5, 50]))]
        calls = [SHAPES[shape](dice) for _ in range(dice.choice([1, 2, 3, 5, 10, 100]))]
        seen = window(counted([*past, *calls]), counted(past) if past else None)
        assert len(seen.exact) + seen.calls == len(calls)
        for limit in (0.00101, 0.0501, 0.1001, 0.1501, 0.3):
            known = sum(call > limit for call in seen.exact)
            least, most = above(seen, limit)
            true = sum(call > limit for call in calls)
            if not known + least <= true <= known + most:
                violated.append((seen, limit, true))
    assert violated == []


def test_the_interval_is_sharp_where_two_values_make_the_moments() -> None:
    past = [0.001, 0.2]
    calls = [0.001] * 90 + [0.2] * 10
    assert above(window(counted([*past, *calls]), counted(past)), 0.1) == (10, 10)


class Summing:
    """Counts calls one after the other, as the server does, in milliseconds."""

    def __init__(self) -> None:
        self.calls, self.total, self.mean, self.squares = 0, 0.0, 0.0, 0.0
        self.extremes = (0.0, 0.0)

    def add(self, duration: float) -> None:
        low, high = self.extremes if self.calls else (duration, duration)
        self.extremes = (min(low, duration), max(high, duration))
        self.calls += 1
        self.total += duration
        before = self.mean
        self.mean += (duration - before) / self.calls
        self.squares += (duration - before) * (duration - self.mean)

    def counted(self) -> Counted:
        deviation = sqrt(self.squares / self.calls)
        low, high = self.extremes
        figures = (self.total, deviation, low, high)
        return Counted(self.calls, *(figure / 1000 for figure in figures))


@pytest.mark.parametrize("hours", [[1.0] * 3, [2.0] * 5, [24.0]])
def test_what_hours_of_a_call_round_off_is_not_taken_as_certain(
    hours: list[float],
) -> None:
    dice, server = random.Random(4), Summing()
    for duration in hours:
        server.add(duration * 3_600_000)
    for _ in range(1000):
        server.add(dice.uniform(9.5, 10.3))
    for _ in range(200):
        before = server.counted()
        calls = [dice.uniform(9.7, 10.1) for _ in range(dice.choice([3, 20, 200]))]
        for call in calls:
            server.add(call)
        seen = window(server.counted(), before)
        slower = sum(duration > 0.01 for duration in seen.exact)
        least, most = above(seen, 0.01)
        assert slower + least <= sum(call > 10 for call in calls) <= slower + most
