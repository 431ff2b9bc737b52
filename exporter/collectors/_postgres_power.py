"""Calls by a power law: of those above any duration, the same part is twice as long.

Its exponent follows from the mean and the minimum alone. That the maximum and the
variance then agree as well is what tells such calls from others.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_bend import edges
from exporter.collectors._postgres_kinds import likely_high

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.collectors._postgres_bend import Spread

_FLATTEST, _STEEPEST = 0.2, 8.0  # exponents
_HALVINGS = 30
_FLAT = 1e-9
_ROUGH = 0.5  # by which the logarithm of the mean square strays, as few calls bear it
_SIMPLE = 2.0  # what speaks for it as nothing was fitted, as a logarithm


class Power(NamedTuple):
    """Durations between two bounds, above `low` times x are x to the -exponent."""

    exponent: float
    low: float
    high: float

    def shares(self, points: Sequence[float]) -> list[float]:
        """Return the share of calls at each of the points from low to high."""
        above = [self.above(bound) for bound in edges(points)]
        whole = above[0] - above[-1]
        return [(a - b) / whole for a, b in pairwise(above)]

    def above(self, limit: float) -> float:
        """Return the share above a limit, were there no upper bound."""
        return exp(self.exponent * log(self.low / limit))

    def moment(self, order: int) -> float:
        """Return the mean of a power of the durations."""
        ratio, rest = self.high / self.low, order - self.exponent
        part = log(ratio) if abs(rest) < _FLAT else (exp(rest * log(ratio)) - 1) / rest
        whole = 1 - self.above(self.high)
        return exp(order * log(self.low)) * self.exponent * part / whole

    def likely(self, spread: Spread, calls: int) -> float:
        """Tell how likely (as a logarithm) the maximum and the variance are."""
        above = self.above(self.high)
        high = likely_high(calls, above, self.above(self.high / 2) - above)
        square = spread.variance + spread.mean**2
        error = log(square / self.moment(2)) / _ROUGH
        return _SIMPLE + min(0.0, high) - error * error / 2


def power_law(low: float, high: float, mean: float) -> Power | None:
    """Return the law between two bounds that has this mean; None if there is none."""
    flat, steep = Power(_FLATTEST, low, high), Power(_STEEPEST, low, high)
    if not steep.moment(1) < mean < flat.moment(1):
        return None
    for _ in range(_HALVINGS):
        law = Power((flat.exponent + steep.exponent) / 2, low, high)
        if law.moment(1) > mean:
            flat = law
        else:
            steep = law
    return flat
