"""What two readings of pg_stat_statements tell of the calls between them, exactly.

A single call is its own duration, two follow from their mean and deviation, and a
minimum or maximum that moved is the duration of a call: those are taken out, and of the
rest number, mean and variance are known, and bounds within which all of them lie.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

_EVEN = 1e-9  # a deviation that is so small a part of the mean is a rounding error
_ROUNDING = 1e-12
_STEP = 2.0**-53  # of a sum, that adding to it may round off
_STEPS = 8  # our own
_SURE = 1e-6


class Counted(NamedTuple):
    """What the view says of one statement since it knows it; durations in seconds.

    `deviation` is that of the population, `low` and `high` the extremes.
    """

    calls: int
    total: float
    deviation: float
    low: float
    high: float


class Window(NamedTuple):
    """The calls between two readings: some exact durations, and what holds of the rest.

    The `calls` others take `mean` each with `variance`, None where that is unknown, and
    none of them less than `low` or more than `high`. The variance may be wrong by
    `doubt`: what hours of one call round off is more than milliseconds of many.
    """

    exact: tuple[float, ...]
    calls: int = 0
    mean: float = 0.0
    variance: float | None = None
    low: float = 0.0
    high: float = 0.0
    doubt: float = 0.0


class Sums(NamedTuple):
    """Number and seconds of calls, and the squares of their distances to the mean.

    The squares may be wrong by `doubt`.
    """

    calls: int
    total: float
    squares: float
    doubt: float


def window(new: Counted, old: Counted | None, *, forgot: bool = False) -> Window:
    """Tell the calls between two readings; without an old one, all that were counted.

    Somebody may have made the server forget its extremes in between (from 17 on it
    says so: `forgot`): then only those bounds hold that follow from the moments.
    """
    calls = new.calls - (old.calls if old else 0)
    total = max(0.0, new.total - (old.total if old else 0.0))
    mean = total / calls
    if calls == 1:
        return Window((mean,))
    squares = _squares(new, old, calls, mean)
    if old is not None and (new.high < old.high or new.low > old.low):
        forgot = True
    if squares is None or new.high < mean * (1 - _EVEN) or new.low > mean * (1 + _EVEN):
        return Window((), calls, mean, None, 0.0, total)
    if forgot:
        return _rest([], Sums(calls, total, *squares), (0.0, total))
    moved = []
    if old is None or new.high > old.high:
        moved.append(new.high)
    if old is None or new.low < old.low:
        moved.append(new.low)
    return _rest(moved, Sums(calls, total, *squares), (new.low, new.high))


def _squares(
    new: Counted, old: Counted | None, calls: int, mean: float
) -> tuple[float, float] | None:
    """Return the sum of squares around the mean, and by how much it may be wrong.

    None where the figures disagree.
    """
    after = new.deviation**2 * new.calls
    rounded = _STEP * (calls + _STEPS)
    if old is None or not old.calls:
        return after, rounded * after
    before = old.deviation**2 * old.calls
    between = (mean - old.total / old.calls) ** 2 * old.calls * calls / new.calls
    squares, whole = after - before - between, after + before + between
    slack = _ROUNDING * whole + (_EVEN * mean) ** 2 * calls
    if squares <= -slack:
        return None
    return max(squares, 0.0), rounded * whole + max(-squares, 0.0)


def _rest(exact: list[float], sums: Sums, bounds: tuple[float, float]) -> Window:
    """Take the exact durations out of the moments, and solve what that leaves."""
    calls, total, squares, doubt = sums
    low, high = bounds
    for duration in exact:
        mean = total / calls
        calls, total = calls - 1, max(0.0, total - duration)
        if not calls:
            return Window(tuple(exact))
        squares -= (duration - mean) ** 2 * (calls + 1) / calls
    squares = max(squares, 0.0)
    mean, deviation = total / calls, sqrt(squares / calls)
    mean = min(max(mean, low), high)
    if calls == 1:
        return Window((*exact, mean))
    most = sqrt((squares + doubt) / calls)
    if most <= _EVEN * mean:
        return Window(tuple(exact), calls, mean, 0.0, mean, mean)
    if calls == 2 and doubt <= _SURE * squares:  # noqa: PLR2004 - as many equations
        pair = (max(mean - deviation, low), min(mean + deviation, high))
        return Window((*exact, *pair))
    reach = most * sqrt(calls - 1)
    low = max(low, mean - reach) * (1 - _EVEN)
    high = min(high, mean + reach) * (1 + _EVEN)
    doubt /= calls
    return Window(tuple(exact), calls, mean, deviation**2, low, high, doubt)
