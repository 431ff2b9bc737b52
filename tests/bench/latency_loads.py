"""Calls of statements as loads make them, and what pg_stat_statements says of them."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_moments import Counted

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOKS = 1.0  # seconds between two looks at what runs


class Call(NamedTuple):
    """One call: when it began and how long it took, in seconds; of which statement."""

    began: float
    took: float
    statement: int


class Kind(NamedTuple):
    """A statement of a load: calls a second, and how long one takes."""

    rate: float
    takes: Callable[[random.Random], float]


class Poll(NamedTuple):
    """What the view says at a poll, ages of what ran before it, and the true calls.

    `slack` calls may have been counted in the poll beside the one that has their
    truth. What came before the `base` is not looked at.
    """

    view: dict[int, Counted]
    ages: dict[int, list[float]]
    took: list[float]
    slack: int = 0
    base: bool = False


def near(middle: float, width: float) -> Callable[[random.Random], float]:
    """Return lognormal durations."""
    return lambda dice: middle * math.exp(dice.gauss(0, width))


def either(share: float, *of: Callable[[random.Random], float]) -> Callable[..., float]:
    """Return durations of two kinds, a share of them of the second."""
    return lambda dice: of[dice.random() < share](dice)


def falling(mean: float) -> Callable[[random.Random], float]:
    """Return exponential durations."""
    return lambda dice: dice.expovariate(1 / mean)


_TWO = either(0.1, near(0.001, 0.3), near(0.15, 0.05))
_EIGHT = (
    *(near(0.001, 0.5), near(0.05, 1.0), falling(0.1)),
    *(either(0.2, near(0.01, 0.2), near(0.4, 0.2)), near(0.2, 0.3)),
    *(lambda _: 0.1, lambda dice: dice.uniform(0, 0.3), near(0.005, 2.0)),
)
LOADS: dict[str, list[Kind]] = {
    "bimodal, 2 calls/s": [Kind(2, _TWO)],
    "bimodal, 40 calls/s": [Kind(40, _TWO)],
    "cached or not": [Kind(30, either(0.15, near(0.0003, 0.4), near(0.02, 0.6)))],
    "lock waits": [Kind(50, either(0.03, near(0.0015, 0.3), near(0.3, 0.6)))],
    "heavy tail": [Kind(20, lambda dice: min(20.0, 0.004 * dice.paretovariate(1.3)))],
    "points, ranges, hot rows": [
        Kind(200, near(0.0002, 0.4)),
        Kind(20, falling(0.03)),
        Kind(5, near(0.08, 0.8)),
        Kind(10, _TWO),
        Kind(0.05, near(2.0, 0.3)),
    ],
    "20 statements of all sizes": [
        Kind(0.03 * 1.35**n, near(0.5 / 1.5**n, 0.3 + 0.05 * (n % 9)))
        for n in range(20)
    ],
    "40 statements of 8 shapes": [
        Kind(0.03 + 3 * (n / 40) ** 3, _EIGHT[n % 8]) for n in range(40)
    ],
    "exponential": [Kind(40, falling(0.04))],
    "bursts": [Kind(30, near(0.01, 0.5)), Kind(1, near(0.2, 0.5))],
}


def calls(name: str, seconds: float, seed: int) -> list[Call]:
    """Make the calls of a load; in bursts all is eight times as much and slower."""
    dice = random.Random(seed)
    found = []
    for statement, kind in enumerate(LOADS[name]):
        now = dice.expovariate(kind.rate)
        while now < seconds:
            burst = name == "bursts" and now % 47 < 6
            for _ in range(8 if burst else 1):
                took = kind.takes(dice) * (4 if burst else 1)
                found.append(Call(now, took, statement))
            now += dice.expovariate(kind.rate)
    return found


def polls(made: list[Call], seconds: float, interval: float) -> list[Poll]:
    """Cut a load into polls: a call counts when it has ended, as in the view."""
    number = int(seconds / interval)
    found = [Poll({}, {}, []) for _ in range(number)]
    sums: dict[int, list[float]] = {}
    for ended, call in sorted((call.began + call.took, call) for call in made):
        place = math.ceil(ended / interval) - 1
        if place < number:
            _count(sums, call)
            found[place].took.append(call.took)
            found[place].view[call.statement] = _counted(sums[call.statement])
    for call in made:
        look = math.ceil(call.began / _LOOKS) * _LOOKS
        while look < call.began + call.took and look < seconds:
            place = min(number - 1, max(0, math.ceil(look / interval) - 1))
            ages = found[place].ages.setdefault(call.statement, [])
            ages.append(look - call.began)
            look += _LOOKS
    return found


def _count(sums: dict[int, list[float]], call: Call) -> None:
    """Count as the server does: mean and squares by Welford's way."""
    one = sums.setdefault(call.statement, [0, 0.0, 0.0, 0.0, math.inf, 0.0])
    one[0] += 1
    one[1] += call.took
    away = call.took - one[2]
    one[2] += away / one[0]
    one[3] += away * (call.took - one[2])
    one[4], one[5] = min(one[4], call.took), max(one[5], call.took)


def _counted(one: list[float]) -> Counted:
    calls_, total, _, squares, low, high = one
    return Counted(int(calls_), total, math.sqrt(squares / calls_), low, high)
