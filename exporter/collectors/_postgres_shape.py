"""How the calls of a statement are spread, as far as it can be guessed.

A grid of durations between the statement's extremes bears a share of the calls at each
point. It starts as calls of one kind (the shifted lognormal of the moments), of two, or
by a power law, as each is likely by all that is known, learns from exact durations and
from the ages of running calls (which are seen the more often the longer they run), and
is then bent, as little as possible, to the moments.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import erfc, exp, log, sqrt
from typing import TYPE_CHECKING

from exporter.collectors._postgres_ages import within
from exporter.collectors._postgres_bend import Grid, bend, edges
from exporter.collectors._postgres_kinds import (
    SHORTEST,
    likely_high,
    likely_moments,
    tried,
)
from exporter.collectors._postgres_power import power_law

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.collectors._postgres_ages import Seen
    from exporter.collectors._postgres_bend import Spread

POINTS = 48
ROUGH = 20.0  # calls that a shape weighs beside the higher moments
_FAITH = 200.0  # durations and ages that the first guess, so bent, weighs
_ROUNDS = 6
_CLOSE = 1e-4
_LEAST = 1e-12
_HALVINGS = 30
_BEYOND = 0.05  # of the variance, that a lognormal may claim above the maximum
_BEST = 6  # of the kinds that were tried
_MOST_SURE = 5.0  # e to this is the most that one guess may outweigh the other
_HICCUP = 1e-4  # seconds; the variance of what is shorter is the machine's own


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


def one_kind(spread: Spread, seen: Seen | None = None) -> Grid | None:
    """Return the lognormal of the moments on a grid, bent to what the bounds allow."""
    points = _points(spread)
    if points is None:
        return None
    above = lognormal(spread._replace(low=max(0.0, spread.low - SHORTEST)))
    shares = [above(a) - above(b) for a, b in pairwise(edges(points))]
    return _bent(points, shares, spread, seen)


def guess(spread: Spread, seen: Seen) -> Grid | None:
    """Return one kind, two and a power law, each as likely as it is by what was seen.

    Where polls differ by more than chance, two kinds of calls would be taken for two
    kinds of polls. Of statements shorter than the machine's own pauses two kinds are
    certain: those that met a pause are the second.
    """
    short = spread.mean < _HICCUP
    two = _two_kinds(spread, seen) if seen.steady or short else None
    if short and two:
        return two
    found = [
        (grid, _likely(grid, spread, seen))
        for grid in (one_kind(spread, seen), two)
        if grid
    ]
    return _mixed([*found, *_by_power(spread, seen)])


def learn(grid: Grid, seen: Seen, spread: Spread) -> Grid:
    """Return the spread that agrees best with what was seen, moments kept.

    The share of a point grows with the exact durations near it and with the samples
    that calls of its length explain, and shrinks with the samples that there should
    have been: steps of expectation and maximisation, six at the most.
    """
    points, prior = grid
    near = _near(points, seen.exact)
    observed = seen.observed()
    lasting = [within(points, place) for place, _ in observed]
    cost = [seen.exposure * point for point in points]
    number = len(seen.exact) + sum([count for _, count in observed])
    higher = seen.higher and seen.higher._replace(weight=seen.higher.weight + number)
    now = grid
    for _ in range(_ROUNDS if observed else 1):
        gain = [_FAITH * share + got for share, got in zip(prior, near, strict=True)]
        for (_, count), lengths in zip(observed, lasting, strict=True):
            parts = [s * length for s, length in zip(now.shares, lengths, strict=True)]
            whole = sum(parts)
            if whole > 0:
                factor = count / whole
                gain = [g + p * factor for g, p in zip(gain, parts, strict=True)]
        shares = _balanced(gain, cost, _FAITH + number)
        bent = bend(Grid(points, shares), spread, higher)
        if bent is None:
            return now
        now = bent
    return now


def _points(spread: Spread) -> tuple[float, ...] | None:
    low, high = max(spread.low, SHORTEST), spread.high
    if high <= low * (1 + _CLOSE):
        return None
    step = log(high / low) / (POINTS - 1)
    return tuple([low * exp(step * place) for place in range(POINTS)])


def _two_kinds(spread: Spread, seen: Seen) -> Grid | None:
    """Return the two kinds that are likeliest, by their likelihood, on a grid."""
    points = _points(spread)
    found = tried(spread, seen) if points else []
    if points is None or not found:
        return None
    found.sort(key=lambda pair: pair[0], reverse=True)
    weights = [exp(likely - found[0][0]) for likely, _ in found]
    whole = sum(weights)
    bounds = edges(points)
    below = [0.0] * len(bounds)
    for weight, (_, kinds) in list(zip(weights, found, strict=True))[:_BEST]:
        for place, bound in enumerate(bounds):
            below[place] += weight / whole * kinds.below(bound)
    shares = [max(0.0, b - a) for a, b in pairwise(below)]
    return _bent(points, shares, spread, seen)


def _by_power(spread: Spread, seen: Seen) -> list[tuple[Grid, float]]:
    """Return the power law and how likely it is, where there is one."""
    points = _points(spread)
    law = power_law(points[0], points[-1], spread.mean) if points else None
    if points is None or law is None:
        return []
    grid = _bent(points, law.shares(points), spread, seen)
    fit = law.likely(spread, seen.calls)
    return [(grid, fit + _likely(grid, spread, seen))] if grid else []


def _mixed(found: Sequence[tuple[Grid, float]]) -> Grid | None:
    """Return the mean of grids, each weighed by how likely (a logarithm) it is."""
    if not found:
        return None
    best = max(likely for _, likely in found)
    weights = [exp(max(-_MOST_SURE, likely - best)) for _, likely in found]
    whole = sum(weights)
    shares = [
        sum([weight * share for weight, share in zip(weights, column, strict=True)])
        for column in zip(*[grid.shares for grid, _ in found], strict=True)
    ]
    return Grid(found[0][0].points, tuple([share / whole for share in shares]))


def _bent(
    points: tuple[float, ...],
    shares: Sequence[float],
    spread: Spread,
    seen: Seen | None,
) -> Grid | None:
    """Bend a first guess, to mean and variance alone where the others cannot be."""
    floor = _CLOSE / POINTS
    grid = Grid(points, tuple([share + floor for share in shares]))
    if seen and seen.higher:
        return bend(grid, spread, seen.higher) or bend(grid, spread)
    return bend(grid, spread)


def _likely(grid: Grid, spread: Spread, seen: Seen) -> float:
    (near,) = grid.above([spread.high / 2])
    found = likely_high(seen.calls, 0.0, near)
    moments = (grid.moment(3), grid.moment(4))
    found += likely_moments(moments, spread, seen.higher)
    for place, count in seen.observed():
        pairs = zip(grid.shares, within(grid.points, place), strict=True)
        part = sum([share * length for share, length in pairs])
        found += count * log(max(_LEAST, part / spread.mean))
    return found


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


def _near(points: Sequence[float], durations: Sequence[float]) -> list[float]:
    """Count durations by the point that is nearest on the logarithmic scale."""
    found = [0.0] * len(points)
    inner = edges(points)[1:-1]
    for duration in durations:
        found[bisect_left(inner, duration)] += 1
    return found
