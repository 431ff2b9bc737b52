"""Calls of two kinds: a quick body, and slow ones that bear most of the variance.

A statement finds its page in memory or not, gets its lock at once or waits: two
lognormals. Where the slow ones are and how wide they spread is tried out, all else
follows: their share from the variance, the body's middle from the mean, its width from
the minimum, which of so many calls is a quantile. How well each try agrees with the
higher moments, the maximum and the ages of running calls is its weight.
"""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_ages import class_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.collectors._postgres_ages import Seen
    from exporter.collectors._postgres_bend import Higher, Spread

SHORTEST = 1e-6  # seconds; the view's clock tells no less
_PLACES = 12  # tried for the middle of the slow ones
_WIDTHS = (0.1, 0.3, 0.6, 1.0, 1.5)  # tried for their width
_NARROWEST = 0.03
_MOST_SLOW = 0.8
_MOST_CUT = 0.7  # of the slow kind, that the maximum may cut off
_ROUNDS = 3
_ROUGH = 0.05  # by which two kinds may miss a third moment that is right
_HOPELESS = -50.0
_LEAST = 1e-12
_HALF_ROOT = sqrt(0.5)


class Lognormal(NamedTuple):
    """Durations of which the logarithms have this mean and deviation."""

    middle: float
    width: float

    def below(self, limit: float) -> float:
        """Return the share below a limit."""
        return _normal((log(limit) - self.middle) / self.width)

    def part(self, order: int, limit: float) -> float:
        """Return what the durations below a limit add to the mean of a power."""
        shift = order * self.width * self.width
        whole = exp(order * (self.middle + shift / 2))
        return whole * _normal((log(limit) - self.middle - shift) / self.width)

    def upto(self, limit: float) -> float:
        """Return how long a call lasts before a limit, on average."""
        middle, width = self
        reached = (log(limit) - middle) / width
        mean = exp(middle + width * width / 2)
        return mean * _normal(reached - width) + limit * _normal(-reached)


class Kinds(NamedTuple):
    """A share of slow calls, none of them above `high`, among quick ones."""

    share: float
    body: Lognormal
    slow: Lognormal
    high: float

    def below(self, limit: float) -> float:
        """Return the share of all calls below a limit."""
        slow = min(1.0, self.slow.below(limit) / self.slow.below(self.high))
        return (1 - self.share) * self.body.below(limit) + self.share * slow

    def moment(self, order: int) -> float:
        """Return the mean of a power of the durations."""
        slow = self.slow.part(order, self.high) / self.slow.below(self.high)
        middle, width = self.body
        body = exp(order * (middle + order * width * width / 2))
        return (1 - self.share) * body + self.share * slow

    def upto(self, limit: float) -> float:
        """Return how long a call lasts before a limit, on average."""
        if limit <= 0:
            return 0.0
        cut = min(limit, self.high)
        whole = self.slow.below(self.high)
        slow = (self.slow.upto(cut) - cut * (1 - whole)) / whole
        return (1 - self.share) * self.body.upto(cut) + self.share * slow


def tried(spread: Spread, seen: Seen) -> list[tuple[float, Kinds]]:
    """Return what two kinds there can be, with how likely (as a logarithm) each is."""
    return [(_likely(kinds, spread, seen), kinds) for kinds in _possible(spread, seen)]


def likely_moments(
    moments: tuple[float, float], spread: Spread, higher: Higher | None
) -> float:
    """Tell how likely a third and fourth moment (of powers, not central) are."""
    if higher is None:
        return 0.0
    mean, variance = spread.mean, spread.variance
    third = higher.third + 3 * mean * variance + mean**3
    fourth = higher.fourth + 4 * mean * higher.third + 6 * mean**2 * variance + mean**4
    doubt = max(_ROUGH, higher.doubt)
    found = 0.0
    pairs = zip(moments, (third, fourth), (doubt, 2 * doubt), strict=True)
    for moment, wanted, error in pairs:
        if moment > 0 and wanted > 0:
            found -= (log(moment / wanted) / error) ** 2 / 2
    return found


def likely_high(calls: float, above: float, near: float) -> float:
    """Tell how likely a maximum is, by the shares of calls above and shortly below."""
    within = 1 - exp(-calls * near)
    return max(_HOPELESS, -calls * above) + log(max(_LEAST, within))


def _possible(spread: Spread, seen: Seen) -> Iterator[Kinds]:
    """Yield what agrees with mean, variance and extremes."""
    low = max(spread.low, SHORTEST)
    start, end = log(max(spread.mean, 2 * low)), log(spread.high)
    reach = -NormalDist().inv_cdf(1 / (max(seen.calls, 4) + 1))
    for place in range(_PLACES):
        middle = start + (end - start) * (place + 0.5) / _PLACES
        for width in _WIDTHS:
            slow = Lognormal(middle, width)
            if slow.below(spread.high) > 1 - _MOST_CUT:
                kinds = _solved(slow, spread, reach, low)
                if kinds:
                    yield kinds


def _solved(slow: Lognormal, spread: Spread, reach: float, low: float) -> Kinds | None:
    """Return the share of slow calls and the body that make mean and variance.

    The minimum is `reach` deviations below the body's middle.
    """
    whole = slow.below(spread.high)
    mean, square = (slow.part(order, spread.high) / whole for order in (1, 2))
    second = spread.variance + spread.mean**2
    body = spread.mean**2
    for _ in range(_ROUNDS):
        share = (second - body) / square
        rest = spread.mean - share * mean
        if not 0 < share < _MOST_SLOW or rest <= low * (1 - share) * (1 + _NARROWEST):
            return None
        quick = rest / (1 - share)
        width = sqrt(reach * reach + 2 * log(quick / low)) - reach
        width = max(_NARROWEST, width)
        body = rest * quick * exp(width * width)
    if mean < quick:
        return None
    return Kinds(share, Lognormal(log(quick) - width**2 / 2, width), slow, spread.high)


def _likely(kinds: Kinds, spread: Spread, seen: Seen) -> float:
    share, _, slow, high = kinds
    whole = slow.below(high)
    near = share * (whole - slow.below(high / 2))
    found = likely_high(seen.calls, share * (1 - whole), near)
    moments = (kinds.moment(3), kinds.moment(4))
    found += likely_moments(moments, spread, seen.higher)
    return found + _likely_ages(kinds, spread, seen.observed())


def _likely_ages(
    kinds: Kinds, spread: Spread, observed: Sequence[tuple[int, float]]
) -> float:
    bounds = {place: class_bounds(place) for place, _ in observed}
    upto = {limit: kinds.upto(limit) for pair in bounds.values() for limit in pair}
    found = 0.0
    for place, count in observed:
        low, high = bounds[place]
        part = (upto[high] - upto[low]) / spread.mean
        found += count * log(max(_LEAST, part))
    return found


def _normal(place: float) -> float:
    return erfc(-place * _HALF_ROOT) / 2
