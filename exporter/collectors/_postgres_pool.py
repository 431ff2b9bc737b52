"""Pools the polls of a statement, and tells its higher moments from how they differ.

If calls are alike from poll to poll, the sum of their durations and the sum of the
squares go up and down together by chance: the two sums' covariance is that of a
duration and its square, which is the third moment, and the second sum's variance is the
fourth. Both are taken as ratios to the variance of the first sum, which chance
disturbs alike, so that some five polls tell them within a few per cent where a
lognormal of the same mean and variance is wrong several times over.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from exporter.collectors._postgres_bend import Higher

if TYPE_CHECKING:
    from exporter.collectors._postgres_moments import Window

KEPT = 0.97  # of what was seen, after another poll
_ENOUGH = 4  # polls more than one, from which on their variance tells something
_LIKE = 0.2  # of the squares' variance, that the sums must explain
_SURE = 0.02  # least doubt in a third moment


@dataclass(slots=True)
class Pool:
    """Sums over the calls of the latest polls, with those of the polls' own sums."""

    calls: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    polls: float = 0.0
    _totals: float = 0.0
    _mixed: float = 0.0
    _fourths: float = 0.0

    def add(self, seen: Window) -> None:
        """Take in a window whose variance is known."""
        calls = len(seen.exact) + seen.calls
        total = sum(seen.exact) + seen.calls * seen.mean
        squares = sum([duration * duration for duration in seen.exact])
        squares += seen.calls * ((seen.variance or 0.0) + seen.mean**2)
        self.calls = self.calls * KEPT + calls
        self.total = self.total * KEPT + total
        self.squares = self.squares * KEPT + squares
        self.polls = self.polls * KEPT + 1
        self._totals = self._totals * KEPT + total * total / calls
        self._mixed = self._mixed * KEPT + total * squares / calls
        self._fourths = self._fourths * KEPT + squares * squares / calls

    @property
    def mean(self) -> float:
        """Return the mean duration, in seconds."""
        return self.total / self.calls

    @property
    def variance(self) -> float:
        """Return the variance of all the calls, in seconds²."""
        return self.squares / self.calls - self.mean**2

    def steady(self) -> bool:
        """Tell whether the polls' means differ no more than chance makes them."""
        free = self.polls - 1
        if free < _ENOUGH:
            return True
        between = (self._totals - self.mean * self.total) / free
        return between < self.variance * (1 + 3 * sqrt(2 / free))

    def higher(self, weight: float) -> Higher | None:
        """Return the higher moments; None while they cannot be told.

        `weight` is how many calls a first guess stands for.
        """
        free = self.polls - 1
        if free < _ENOUGH or self.variance <= 0 or not self.steady():
            return None
        mean, second = self.mean, self.squares / self.calls
        sums = (self._totals - mean * self.total) / free
        both = (self._mixed - mean * self.squares) / free
        squares = (self._fourths - second * self.squares) / free
        if sums <= self.variance / 8 or both <= 0 or squares <= 0:
            return None
        like = min(1.0, both * both / (sums * squares))
        if like < _LIKE:
            return None
        third = both / sums * self.variance + mean * second
        fourth = squares / sums * self.variance + second * second
        return Higher(
            third - 3 * mean * second + 2 * mean**3,
            fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4,
            max(_SURE, sqrt((1 - like) / like / free)),
            weight,
        )
