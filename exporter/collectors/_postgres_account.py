"""Keeps how long calls took: in buckets, and how many were slower than limits."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from exporter.collectors._postgres_memory import reach
from exporter.collectors._postgres_shares import above

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.collectors._postgres_moments import Window


@dataclass(slots=True)
class Slower:
    """Calls above a limit: at the least, as estimated, and at the most."""

    least: int = 0
    estimate: float = 0.0
    most: int = 0


@dataclass(slots=True)
class Account:
    """A database's calls: their number, seconds, and how many are in each bucket."""

    bounds: tuple[float, ...]
    limits: tuple[float, ...]
    calls: int = 0
    seconds: float = 0.0
    slower: dict[float, Slower] = field(init=False)
    _buckets: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self._buckets = [0.0] * (len(self.bounds) + 1)
        self.slower = {limit: Slower() for limit in self.limits}

    def add(self, seconds: float, seen: Window, shares: Sequence[float]) -> None:
        """Count a window; `shares` are of unsolved calls, above each bound in reach."""
        self.calls += seen.calls + len(seen.exact)
        self.seconds += seconds
        for duration in seen.exact:
            self._buckets[bisect_left(self.bounds, duration)] += 1
        counts: dict[float, float] = {}
        if seen.calls:
            counts = self._spread(seen, shares)
        longest = max(seen.high if seen.calls else 0.0, *seen.exact, 0.0)
        for limit, slower in self.slower.items():
            if longest <= limit:
                continue  # as most calls are for all limits
            known = sum([duration > limit for duration in seen.exact])
            least, most = above(seen, limit)
            slower.least += known + least
            slower.estimate += known + counts.get(limit, least)
            slower.most += known + most

    def fill(self, seconds: float, calls: Sequence[float]) -> None:
        """Count calls that are known by bucket, the last above all bounds."""
        self.seconds += seconds
        self.calls += round(sum(calls))
        for place, count in enumerate(calls):
            self._buckets[place] += count

    def known_above(self, limit: float, logged: Sequence[float]) -> None:
        """Put what the log knows of calls above a limit in place of the estimate."""
        upto = list(accumulate(self._buckets))[:-1]
        for place, bound in enumerate(self.bounds):
            count = sum([seconds > max(bound, limit) for seconds in logged])
            known = max(0.0, self.calls - count)
            upto[place] = known if bound >= limit else min(upto[place], known)
        edges = [0.0, *upto, float(self.calls)]
        self._buckets = [max(0.0, b - a) for a, b in pairwise(edges)]
        for bound, slower in self.slower.items():
            if bound >= limit:
                count = min(self.calls, sum([seconds > bound for seconds in logged]))
                slower.least = slower.most = count
                slower.estimate = count

    def merge(self, other: Account) -> None:
        """Add another account of the same bounds."""
        self.calls += other.calls
        self.seconds += other.seconds
        pairs = zip(self._buckets, other._buckets, strict=True)
        self._buckets = [mine + theirs for mine, theirs in pairs]
        for limit, slower in self.slower.items():
            more = other.slower[limit]
            slower.least += more.least
            slower.estimate += more.estimate
            slower.most += more.most

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Yield each bound with the calls that were not above it."""
        return zip(self.bounds, map(round, accumulate(self._buckets)), strict=False)

    def _spread(self, seen: Window, shares: Sequence[float]) -> dict[float, float]:
        """Put the unsolved calls into buckets; returns how many are above bounds."""
        counts: dict[float, float] = {}
        start, _ = reach(self.bounds, seen)
        before: float = seen.calls
        for place, share in enumerate(shares, start):
            limit = self.bounds[place]
            least, most = above(seen, limit)
            now = min(max(seen.calls * share, least), most, before)
            self._buckets[place] += before - now
            counts[limit] = before = now
        self._buckets[start + len(shares)] += before
        return counts

    def quantile(self, share: float) -> float:
        """Return the duration that a share of the calls keep, as Prometheus would."""
        rank = share * self.calls
        edges = [(0.0, 0), *self.cumulative()]
        for (low, below), (high, upto) in pairwise(edges):
            if upto >= rank and upto > below:
                return low + (high - low) * (rank - below) / (upto - below)
        return self.bounds[-1]
