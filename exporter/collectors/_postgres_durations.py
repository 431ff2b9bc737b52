"""Keeps, per database, how long statements took: a histogram, and who was slower.

Sum and count are exact. Of the calls between two polls, those whose duration is known
are in their bucket, the others are spread as is most likely, and never so that it
contradicts what is certain. Beside the estimate stands what is certain: the least and
the greatest number of calls that took longer than a limit.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_memory import Estimator, Known, reach
from exporter.collectors._postgres_moments import window
from exporter.collectors._postgres_shares import above

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exporter.collectors._postgres_memory import Key, Running
    from exporter.collectors._postgres_moments import Counted, Window

LADDER = (
    *(0.00005, 0.000075),
    *(0.0001, 0.00015, 0.0002, 0.0003, 0.0005, 0.00075),
    *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.5),
    *(10.0, 15.0, 20.0, 30.0, 60.0),
)
LIMITS = (0.01, 0.05, 0.1, 0.5, 1.0)  # at which platforms call a statement slow
OTHER = "other"
_MOST_DATABASES = 30


class Grown(NamedTuple):
    """A statement's figures before and after; `old` is None where it counts from 0.

    It has no key where it is not known which statement it is.
    """

    key: Key | None
    datname: str
    new: Counted
    old: Counted | None


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
        for limit, slower in self.slower.items():
            known = sum([duration > limit for duration in seen.exact])
            least, most = above(seen, limit)
            slower.least += known + least
            slower.estimate += known + counts.get(limit, least)
            slower.most += known + most

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


@dataclass(slots=True)
class Durations:
    """The accounts of all databases."""

    accounts: dict[str, Account] = field(default_factory=dict)
    _estimator: Estimator = field(default_factory=Estimator)
    _late: list[tuple[Account, float, Window, list[float]]] = field(
        default_factory=list
    )

    def update(
        self,
        grown: Iterable[Grown],
        running: Running,
        limits: Iterable[float],
        databases: Iterable[str],
    ) -> None:
        """Take in what has grown between two polls, in the databases there are.

        A series that is new shows its first calls one poll after its 0.
        """
        for account, seconds, seen, shares in self._late:
            account.add(seconds, seen, shares)
        self._late.clear()
        chosen = tuple(sorted({*LIMITS, *limits}))
        bounds = tuple(sorted({*LADDER, *chosen}))
        old = list(self.accounts.values())
        for datname in databases:
            self._account(datname, bounds, chosen)
        windows = [(one, window(one.new, one.old)) for one in grown]
        windows.sort(key=lambda pair: pair[1].calls * pair[1].mean, reverse=True)
        known = [Known(one.key, w, one.new.low, one.new.high) for one, w in windows]
        estimates = self._estimator.estimate(known, running, bounds)
        for (one, seen), shares in zip(windows, estimates, strict=True):
            account = self._account(one.datname, bounds, chosen)
            seconds = max(0.0, one.new.total - (one.old.total if one.old else 0.0))
            if any(account is known for known in old):
                account.add(seconds, seen, shares)
            else:
                self._late.append((account, seconds, seen, shares))

    def _account(
        self, datname: str, bounds: tuple[float, ...], limits: tuple[float, ...]
    ) -> Account:
        full = len(self.accounts) >= _MOST_DATABASES
        place = OTHER if full and datname not in self.accounts else datname
        return self.accounts.setdefault(place, Account(bounds, limits))
