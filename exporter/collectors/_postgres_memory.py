"""Remembers what was seen of statements, and estimates by it how calls are spread."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_shape import (
    AGES,
    Grid,
    Seen,
    Spread,
    age_class,
    bend,
    fits_lognormal,
    guess,
    learn,
    lognormal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.collectors._postgres_moments import Window

Key = tuple[int, int, int]

_MOST_REMEMBERED = 300
_MOST_DURATIONS = 100
_MOST_LEARNT = 8  # statements a poll, 2 ms each
_MOST_BENT = 50  # 0.2 ms each
_FORGET = 0.95  # of what was seen, a poll


class Running(NamedTuple):
    """Ages of running calls by statement, and how many looks a second found them."""

    ages: Mapping[Key, Sequence[float]]
    rate: float


class Known(NamedTuple):
    """A window of a statement, without a key where it is not known which; extremes."""

    key: Key | None
    seen: Window
    low: float
    high: float


def reach(bounds: Sequence[float], seen: Window) -> tuple[int, int]:
    """Return the places of the bounds that a window's unsolved calls can straddle."""
    return bisect_left(bounds, seen.low), bisect_left(bounds, seen.high)


@dataclass(slots=True)
class Memory:
    """What was seen of a statement, the latest polls before all, and its spread."""

    exact: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_DURATIONS))
    ages: list[float] = field(default_factory=lambda: [0.0] * (len(AGES) + 1))
    exposure: float = 0.0
    calls: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    grid: Grid | None = None

    def add(self, seen: Window, ages: Sequence[float], rate: float) -> None:
        """Take in a window whose variance is known, and the ages of the same time."""
        calls = len(seen.exact) + seen.calls
        total = sum(seen.exact) + seen.calls * seen.mean
        squares = sum([duration * duration for duration in seen.exact])
        squares += seen.calls * ((seen.variance or 0.0) + seen.mean**2)
        self.calls = self.calls * _FORGET + calls
        self.total = self.total * _FORGET + total
        self.squares = self.squares * _FORGET + squares
        self.exposure = self.exposure * _FORGET + rate * calls
        self.ages = [count * _FORGET for count in self.ages]
        for age in ages:
            self.ages[age_class(age)] += 1
        if not seen.calls:  # else extremes alone are known, which are no fair sample
            self.exact.extend(seen.exact)

    def learn(self, low: float, high: float) -> None:
        """Estimate from all of it how the calls are spread."""
        mean = self.total / self.calls
        variance = self.squares / self.calls - mean * mean
        if variance > 0 and low < mean < high:
            spread = Spread(mean, variance, low, high)
            first = guess(spread)
            seen = Seen(self.exact, self.ages, self.exposure)
            self.grid = learn(first, seen, spread) if first else None


@dataclass(slots=True)
class Estimator:
    """Estimates, for statement by statement, the share of calls above bounds.

    What costs time is done for those on which most time was spent, the others get the
    shifted lognormal.
    """

    _memory: dict[Key, Memory] = field(default_factory=dict)

    def estimate(
        self, windows: Sequence[Known], running: Running, bounds: Sequence[float]
    ) -> list[list[float]]:
        """Return the shares of each window's calls above the bounds in its reach.

        Windows come in the order in which they deserve the effort.
        """
        learnt = bent = 0
        shares: list[list[float]] = []
        for known in windows:
            memory = self._remember(known, running)
            seen = known.seen
            start, end = reach(bounds, seen)
            inner = bounds[start:end]
            if not seen.calls or seen.variance is None or bent >= _MOST_BENT:
                shares.append(_floor(seen, inner))
                continue
            if memory is not None and learnt < _MOST_LEARNT:
                learnt += 1
                memory.learn(known.low, known.high)
            grid = _bent(memory, seen)
            bent += grid is not None
            shares.append(grid.above(inner) if grid else _floor(seen, inner))
        self._forget()
        return shares

    def _remember(self, known: Known, running: Running) -> Memory | None:
        """Add a window to what is known of its statement; the latest are kept."""
        key, seen = known.key, known.seen
        if key is None or (seen.calls and seen.variance is None):
            return None
        memory = self._memory.pop(key, None) or Memory()
        memory.add(seen, running.ages.get(key, ()), running.rate)
        self._memory[key] = memory
        return memory

    def _forget(self) -> None:
        for key in list(self._memory)[: max(0, len(self._memory) - _MOST_REMEMBERED)]:
            del self._memory[key]


def _bent(memory: Memory | None, seen: Window) -> Grid | None:
    """Bend what is known of a statement to a window; None where lognormal serves."""
    spread = Spread(seen.mean, seen.variance or 0.0, seen.low, seen.high)
    if memory is not None and memory.grid is not None:
        return bend(memory.grid, spread)
    return None if fits_lognormal(spread) else guess(spread)


def _floor(seen: Window, bounds: Sequence[float]) -> list[float]:
    """Return the shares by the lognormal, as wide as the mean where that is unknown."""
    if not seen.calls or seen.mean <= 0:
        return [0.0] * len(bounds)
    variance = seen.mean**2 if seen.variance is None else seen.variance
    if variance <= 0:
        return [float(bound < seen.mean) for bound in bounds]
    above = lognormal(Spread(seen.mean, variance, seen.low, seen.high))
    return [above(bound) for bound in bounds]
