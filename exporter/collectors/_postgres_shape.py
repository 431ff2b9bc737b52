"""How the calls of a statement are spread, as far as it can be guessed.

A grid of durations between the statement's extremes bears a share of the calls at each
point. It starts as the shifted lognormal of the moments, learns from exact durations
and from the ages of running calls (which are seen the more often the longer they run),
and is then bent, as little as possible, to the mean and variance that are known.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from math import erfc, exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

POINTS = 48
AGES = tuple(0.005 * 2 ** (step / 2) for step in range(30))  # bounds of classes, s
_SHORTEST = 1e-6  # seconds; the view's clock tells no less
_STEPS = 12
_ROUNDS = 6
_CLOSE = 1e-4
_LEAST = 1e-30  # a share that is as good as none
_FLAT = 1e-12
_ENOUGH = 0.1
_SMALLEST = 1 / 64
_HALVINGS = 30
_FAITH = 10.0  # calls that the first guess weighs
_BEYOND = 0.05  # of the variance, that a lognormal may claim above the maximum


class Spread(NamedTuple):
    """Mean and variance of calls that all lie between two bounds, in seconds."""

    mean: float
    variance: float
    low: float
    high: float


class Seen(NamedTuple):
    """What else is known of a statement's calls.

    `exact` are durations. `ages` counts, by the classes between AGES, the running calls
    that samples saw; `exposure` is how many samples a call would be in, per second that
    it lasts, summed over the calls.
    """

    exact: Sequence[float] = ()
    ages: Sequence[float] = ()
    exposure: float = 0.0


class Grid(NamedTuple):
    """Durations in ascending order, and the share of calls at each."""

    points: tuple[float, ...]
    shares: tuple[float, ...]

    def above(self, limits: Sequence[float]) -> list[float]:
        """Return the share of calls above each limit, spread between the points."""
        below = [0.0, *accumulate(self.shares)]
        edges = _edges(self.points)
        return [1.0 - _interpolated(edges, below, limit) for limit in limits]


def lognormal(spread: Spread) -> Callable[[float], float]:
    """Return the share of calls above a limit, if they are lognormal above the low."""
    mean, variance, low, _ = spread
    usual = max(mean - low, _CLOSE * mean)
    sigma2 = log(1 + variance / usual**2)
    if sigma2 <= 0:
        return lambda limit: float(limit < mean)
    middle, width = log(usual) - sigma2 / 2, sqrt(2 * sigma2)
    return lambda limit: (
        erfc((log(limit - low) - middle) / width) / 2 if limit > low else 1.0
    )


def fits_lognormal(spread: Spread) -> bool:
    """Tell whether the maximum lets a lognormal have the variance that it needs."""
    mean, variance, low, high = spread
    usual = max(mean - low, _CLOSE * mean)
    sigma2 = log(1 + variance / usual**2)
    if high <= low or sigma2 <= 0:
        return True
    sigma = sqrt(sigma2)
    reached = (log(high - low) - log(usual) + sigma2 / 2) / sigma
    return erfc((reached - 2 * sigma) / sqrt(2)) / 2 < _BEYOND


def guess(spread: Spread) -> Grid | None:
    """Return the lognormal of the moments on a grid, bent to what the bounds allow."""
    low, high = max(spread.low, _SHORTEST), spread.high
    if high <= low * (1 + _CLOSE):
        return None
    step = log(high / low) / (POINTS - 1)
    points = tuple(low * exp(step * place) for place in range(POINTS))
    above = lognormal(spread._replace(low=max(0.0, spread.low - _SHORTEST)))
    edges = _edges(points)
    shares = [above(a) - above(b) for a, b in pairwise(edges)]
    floor = _CLOSE / POINTS
    return bend(Grid(points, tuple(share + floor for share in shares)), spread)


def bend(grid: Grid, spread: Spread) -> Grid | None:
    """Return the nearest spread that has this mean and variance; None if none is near.

    The nearest one (of least cross-entropy) weighs each point by exp(ax + bx²): a and b
    are found by Newton's steps, at most a dozen.
    """
    deviation = sqrt(spread.variance)
    if deviation <= 0:
        return None
    places = [(point - spread.mean) / deviation for point in grid.points]
    logs = [log(max(share, _LEAST)) for share in grid.shares]
    now = _tilt(places, logs, (0.0, 0.0))
    for _ in range(_STEPS):
        m1, m2, m3, m4 = now.moments
        miss1, miss2 = m1, m2 - 1
        if abs(miss1) < _CLOSE and abs(miss2) < _CLOSE:
            return Grid(grid.points, now.shares)
        c11, c12, c22 = m2 - m1 * m1, m3 - m1 * m2, m4 - m2 * m2
        determinant = c11 * c22 - c12 * c12
        if determinant <= c11 * c22 * _FLAT:
            return None
        one = (miss1 * c22 - miss2 * c12) / determinant
        two = (miss2 * c11 - miss1 * c12) / determinant
        downhill = miss1 * one + miss2 * two
        now = _step(places, logs, now, (one, two, downhill))
    return None


def learn(grid: Grid, seen: Seen, spread: Spread) -> Grid:
    """Return the spread that agrees best with what was seen, moments kept.

    The share of a point grows with the exact durations near it and with the samples
    that calls of its length explain, and shrinks with the samples that there should
    have been: steps of expectation and maximisation, six at the most.
    """
    points, prior = grid
    near = _near(points, seen.exact)
    observed = [(place, count) for place, count in enumerate(seen.ages) if count > 0]
    within = [[_within(point, place) for point in points] for place, _ in observed]
    cost = [seen.exposure * point for point in points]
    total = len(seen.exact) + sum(count for _, count in observed)
    now = grid
    for _ in range(_ROUNDS if observed else 1):
        gain = [_FAITH * share + got for share, got in zip(prior, near, strict=True)]
        for (_, count), lengths in zip(observed, within, strict=True):
            parts = [s * length for s, length in zip(now.shares, lengths, strict=True)]
            whole = sum(parts)
            if whole > 0:
                factor = count / whole
                gain = [g + p * factor for g, p in zip(gain, parts, strict=True)]
        bent = bend(Grid(points, _balanced(gain, cost, _FAITH + total)), spread)
        if bent is None:
            return now
        now = bent
    return now


class _Tilted(NamedTuple):
    at: tuple[float, float]
    level: float
    shares: tuple[float, ...]
    moments: tuple[float, float, float, float]


def _tilt(
    places: Sequence[float], logs: Sequence[float], at: tuple[float, float]
) -> _Tilted:
    """Weigh the points by exp(ax + bx²); `level` is what Newton's steps bring down."""
    a, b = at
    heights = [h + (a + b * x) * x for h, x in zip(logs, places, strict=True)]
    top = max(heights)
    weights = [exp(height - top) for height in heights]
    total = sum(weights)
    shares = tuple([weight / total for weight in weights])
    m1 = m2 = m3 = m4 = 0.0
    for share, x in zip(shares, places, strict=True):
        part = share * x
        m1 += part
        part *= x
        m2 += part
        part *= x
        m3 += part
        m4 += part * x
    return _Tilted(at, top + log(total) - b, shares, (m1, m2, m3, m4))


def _step(
    places: Sequence[float],
    logs: Sequence[float],
    now: _Tilted,
    way: tuple[float, float, float],
) -> _Tilted:
    """Go downhill, less far where the whole way would lead up again."""
    one, two, downhill = way
    scale = 1.0
    while True:
        at = (now.at[0] - scale * one, now.at[1] - scale * two)
        there = _tilt(places, logs, at)
        if there.level <= now.level - _ENOUGH * scale * downhill or scale < _SMALLEST:
            return there
        scale /= 2


def _balanced(
    gain: Sequence[float], cost: Sequence[float], start: float
) -> tuple[float, ...]:
    """Return gain / (cost + x) with the x at which they sum to 1."""
    low, high = 0.0, start
    for _ in range(_HALVINGS):
        x = (low + high) / 2
        if sum([g / (c + x) for g, c in zip(gain, cost, strict=True)]) > 1:
            low = x
        else:
            high = x
    return tuple([g / (c + high) for g, c in zip(gain, cost, strict=True)])


def age_class(age: float) -> int:
    """Return the class between AGES that an age in seconds belongs to."""
    return bisect_left(AGES, age)


def _near(points: Sequence[float], durations: Sequence[float]) -> list[float]:
    """Count durations by the point that is nearest on the logarithmic scale."""
    found = [0.0] * len(points)
    edges = _edges(points)[1:-1]
    for duration in durations:
        found[bisect_left(edges, duration)] += 1
    return found


def _within(duration: float, place: int) -> float:
    """Return how long a call of a duration has an age of one of the classes."""
    low = AGES[place - 1] if place else 0.0
    high = AGES[place] if place < len(AGES) else duration
    return max(0.0, min(duration, high) - low)


def _edges(points: Sequence[float]) -> list[float]:
    """Return the bounds between points, their geometric means."""
    inner = [sqrt(a * b) for a, b in pairwise(points)]
    return [points[0], *inner, points[-1]]


def _interpolated(
    edges: Sequence[float], below: Sequence[float], limit: float
) -> float:
    if limit <= edges[0]:
        return 0.0
    if limit >= edges[-1]:
        return 1.0
    place = bisect_left(edges, limit)
    part = log(limit / edges[place - 1]) / log(edges[place] / edges[place - 1])
    return below[place - 1] + part * (below[place] - below[place - 1])
