"""Remembers what was seen of statements, and estimates by it how calls are spread."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_ages import AGES, Seen, age_class
from exporter.collectors._postgres_bend import Grid, Spread, bend
from exporter.collectors._postgres_pool import KEPT, Pool
from exporter.collectors._postgres_shape import (
    ROUGH,
    fits_lognormal,
    guess,
    learn,
    lognormal,
    one_kind,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.collectors._postgres_moments import Window

Key = tuple[int, int, int]

_MOST_REMEMBERED = 300
_MOST_DURATIONS = 100
_MOST_LEARNT = 4  # statements a poll, 5 ms each
_ANEW = 0.08  # of what is remembered must be new to learn again
_MOST_BENT = 50  # 0.2 ms each


class Running(NamedTuple):
    """Ages of running calls by statement, and how many looks a second found them."""

    ages: Mapping[Key, Sequence[float]]
    rate: float


class Known(NamedTuple):
    """A window of a statement, without a key where it is not known which.

    The extremes are those of `calls` calls.
    """

    key: Key | None
    seen: Window
    low: float
    high: float
    calls: int


def reach(bounds: Sequence[float], seen: Window) -> tuple[int, int]:
    """Return the places of the bounds that a window's unsolved calls can straddle."""
    return bisect_left(bounds, seen.low), bisect_left(bounds, seen.high)


@dataclass(slots=True)
class Memory:
    """What was seen of a statement, the latest polls before all, and its spread."""

    exact: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_DURATIONS))
    ages: list[float] = field(default_factory=lambda: [0.0] * (len(AGES) + 1))
    exposure: float = 0.0
    pool: Pool = field(default_factory=Pool)
    grid: Grid | None = None
    waited: int = 0  # polls since it learnt

    def add(self, seen: Window, ages: Sequence[float], rate: float) -> None:
        """Take in a window whose variance is known, and the ages of the same time."""
        self.waited += 1
        self.pool.add(seen)
        calls = len(seen.exact) + seen.calls
        self.exposure = self.exposure * KEPT + rate * calls
        if any(self.ages):
            self.ages = [count * KEPT for count in self.ages]
        for age in ages:
            self.ages[age_class(age)] += 1
        if not seen.calls:  # else extremes alone are known, which are no fair sample
            self.exact.extend(seen.exact)

    @property
    def due(self) -> bool:
        """Tell whether enough is new to learn from all of it again."""
        return self.waited > _ANEW * self.pool.polls

    def learn(self, known: Known) -> None:
        """Estimate from all of it how the calls are spread."""
        self.waited = 0
        pool, low, high = self.pool, known.low, known.high
        if pool.variance > 0 and low < pool.mean < high:
            spread = Spread(pool.mean, pool.variance, low, high)
            seen = Seen(
                self.exact,
                self.ages,
                self.exposure,
                known.calls,
                pool.higher(ROUGH),
                pool.steady(),
            )
            first = guess(spread, seen)
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
        first = windows[:_MOST_REMEMBERED]
        memories = [self._remember(known, running) for known in first]
        memories += [None] * (len(windows) - len(first))
        _learn(windows, memories)
        bent = 0
        shares: list[list[float]] = []
        for known, memory in zip(windows, memories, strict=True):
            seen = known.seen
            start, end = reach(bounds, seen)
            inner = bounds[start:end]
            spread = seen.calls and seen.variance and seen.mean > 0
            if not spread or bent >= _MOST_BENT:
                shares.append(_floor(seen, inner))
                continue
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


def _learn(windows: Sequence[Known], memories: Sequence[Memory | None]) -> None:
    """Let the statements learn that matter most; who has learnt waits a while."""
    due = [
        (memory, known)
        for known, memory in zip(windows, memories, strict=True)
        if memory is not None and known.seen.calls and memory.due
    ]
    for memory, known in due[:_MOST_LEARNT]:
        memory.learn(known)


def _bent(memory: Memory | None, seen: Window) -> Grid | None:
    """Bend what is known of a statement to a window; None where lognormal serves."""
    spread = Spread(seen.mean, seen.variance or 0.0, seen.low, seen.high)
    if memory is not None and memory.grid is not None:
        return bend(memory.grid, spread)
    return None if fits_lognormal(spread) else one_kind(spread)


def _floor(seen: Window, bounds: Sequence[float]) -> list[float]:
    """Return the shares by the lognormal, as wide as the mean where that is unknown."""
    if not seen.calls or seen.mean <= 0:
        return [0.0] * len(bounds)
    variance = seen.mean**2 if seen.variance is None else seen.variance
    if variance <= 0:
        return [float(bound < seen.mean) for bound in bounds]
    above = lognormal(Spread(seen.mean, variance, seen.low, seen.high))
    return [above(bound) for bound in bounds]
