"""Bends a spread of calls, as little as possible, to the moments that are known.

A grid of durations bears a share of the calls at each point. The nearest one (of least
cross-entropy) with given moments weighs each point by exp(ax + bx² + ...), found by
Newton's steps. Mean and variance are met; third and fourth moment, which are estimates,
pull as strongly as they are sure.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = 6  # for each moment; what takes more is bent too far
_CLOSE = 1e-4
_NEAR = 0.02  # of a third or fourth moment, less than it is in doubt
_LEAST = 1e-30  # a share that is as good as none
_FLAT = 1e-12
_ENOUGH = 0.1
_SMALLEST = 1 / 64


class Spread(NamedTuple):
    """Mean and variance of calls that all lie between two bounds, in seconds."""

    mean: float
    variance: float
    low: float
    high: float


class Higher(NamedTuple):
    """Estimates of the third and fourth central moment, in seconds³ and seconds⁴.

    `doubt` is the standard error of the third as a part of it, that of the fourth is
    twice as much; `weight` is how many calls the grid that is bent stands for.
    """

    third: float
    fourth: float
    doubt: float
    weight: float


class Grid(NamedTuple):
    """Durations in ascending order, and the share of calls at each."""

    points: tuple[float, ...]
    shares: tuple[float, ...]

    def above(self, limits: Sequence[float]) -> list[float]:
        """Return the share of calls above each limit, spread between the points."""
        below = [0.0, *accumulate(self.shares)]
        bounds = edges(self.points)
        return [1.0 - _interpolated(bounds, below, limit) for limit in limits]

    def moment(self, order: int) -> float:
        """Return the mean of a power of the durations."""
        pairs = zip(self.points, self.shares, strict=True)
        return sum([share * point**order for point, share in pairs])


class _Aim(NamedTuple):
    """Moments to reach, around the mean in deviations; how softly each is held."""

    moments: tuple[float, ...]
    soft: tuple[float, ...]


class _Tilted(NamedTuple):
    at: tuple[float, ...]
    level: float
    shares: tuple[float, ...]
    moments: list[float]


def bend(grid: Grid, spread: Spread, higher: Higher | None = None) -> Grid | None:
    """Return the nearest spread that has these moments; None if none is near."""
    deviation = sqrt(spread.variance)
    if deviation <= 0:
        return None
    places = [(point - spread.mean) / deviation for point in grid.points]
    logs = [log(max(share, _LEAST)) for share in grid.shares]
    aim = _aim(deviation, higher)
    now = _tilt(places, logs, aim, (0.0,) * len(aim.moments))
    for _ in range(_STEPS * len(aim.moments)):
        miss = [
            moment - wanted + soft * a
            for moment, wanted, soft, a in zip(now.moments, *aim, now.at, strict=False)
        ]
        if _reached(miss, aim):
            return Grid(grid.points, now.shares)
        way = _solved(_curvature(now.moments, aim), miss)
        if way is None:
            return None
        downhill = sum([a * b for a, b in zip(miss, way, strict=True)])
        scale = 1.0
        while True:  # less far where the whole way would lead up again
            at = tuple([a - scale * b for a, b in zip(now.at, way, strict=True)])
            there = _tilt(places, logs, aim, at)
            low_enough = now.level - _ENOUGH * scale * downhill
            if there.level <= low_enough or scale < _SMALLEST:
                break
            scale /= 2
        now = there
    return None


def edges(points: Sequence[float]) -> list[float]:
    """Return the bounds between points, their geometric means."""
    inner = [sqrt(a * b) for a, b in pairwise(points)]
    return [points[0], *inner, points[-1]]


def _aim(deviation: float, higher: Higher | None) -> _Aim:
    if higher is None:
        return _Aim((0.0, 1.0), (0.0, 0.0))
    third, fourth = higher.third / deviation**3, higher.fourth / deviation**4
    doubts = (higher.doubt * (abs(third) + 1), 2 * higher.doubt * (abs(fourth) + 1))
    soft = [higher.weight * doubt * doubt for doubt in doubts]
    return _Aim((0.0, 1.0, third, fourth), (0.0, 0.0, *soft))


def _reached(miss: Sequence[float], aim: _Aim) -> bool:
    if abs(miss[0]) >= _CLOSE or abs(miss[1]) >= _CLOSE:
        return False
    far = zip(miss[2:], aim.moments[2:], strict=True)
    return all(abs(m) < _NEAR * (abs(wanted) + 0.5) for m, wanted in far)


def _curvature(moments: Sequence[float], aim: _Aim) -> list[list[float]]:
    """Return the covariances of the powers, and what softness adds to them."""
    m = [1.0, *moments]
    powers = range(1, len(aim.moments) + 1)
    rows = [[m[i + j] - m[i] * m[j] for j in powers] for i in powers]
    for place, soft in enumerate(aim.soft):
        rows[place][place] += soft
    return rows


def _solved(rows: list[list[float]], right: Sequence[float]) -> list[float] | None:
    """Solve symmetric equations by elimination; None where they are as good as flat."""
    size = len(right)
    whole = [row[place] * _FLAT for place, row in enumerate(rows)]
    left = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for i in range(size):
        if left[i][i] <= max(whole[i], 0.0):
            return None
        for below in left[i + 1 :]:
            factor = below[i] / left[i][i]
            for j in range(i, size + 1):
                below[j] -= factor * left[i][j]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum([left[i][j] * found[j] for j in range(i + 1, size)])
        found[i] = (left[i][size] - known) / left[i][i]
    return found


def _tilt(
    places: Sequence[float], logs: Sequence[float], aim: _Aim, at: tuple[float, ...]
) -> _Tilted:
    """Weigh the points by exp(ax + bx² + ...); Newton's steps bring `level` down."""
    if len(at) == 2:  # noqa: PLR2004 - mean and variance alone, the usual case
        a, b = at
        heights = [h + (a + b * x) * x for h, x in zip(logs, places, strict=True)]
    else:
        a, b, c, d = at
        heights = [
            h + (a + (b + (c + d * x) * x) * x) * x
            for h, x in zip(logs, places, strict=True)
        ]
    top = max(heights)
    weights = [exp(height - top) for height in heights]
    total = sum(weights)
    shares = tuple([weight / total for weight in weights])
    parts: Sequence[float] = shares
    moments = []
    for _ in range(2 * len(at)):
        parts = [part * x for part, x in zip(parts, places, strict=True)]
        moments.append(sum(parts))
    level = top + log(total)
    for a, wanted, soft in zip(at, *aim, strict=True):
        level += (soft * a / 2 - wanted) * a
    return _Tilted(at, level, shares, moments)


def _interpolated(
    bounds: Sequence[float], below: Sequence[float], limit: float
) -> float:
    if limit <= bounds[0]:
        return 0.0
    if limit >= bounds[-1]:
        return 1.0
    place = bisect_left(bounds, limit)
    part = log(limit / bounds[place - 1]) / log(bounds[place] / bounds[place - 1])
    return below[place - 1] + part * (below[place] - below[place - 1])
