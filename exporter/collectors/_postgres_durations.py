"""Keeps, per database, how long statements took: a histogram, and who was slower.

Sum and count are exact. Of the calls between two polls, those whose duration is known
are in their bucket, the others are spread as is most likely, and never so that it
contradicts what is certain. Beside the estimate stands what is certain: the least and
the greatest number of calls that took longer than a limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres import keeps
from exporter.collectors._postgres_account import Account
from exporter.collectors._postgres_memory import Estimator, Known
from exporter.collectors._postgres_moments import window
from exporter.collectors._postgres_slowest import Slowest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.collectors._postgres import Names
    from exporter.collectors._postgres_memory import Key, Running
    from exporter.collectors._postgres_moments import Counted
    from exporter.sources.postgres_log import Tail

LADDER = (
    *(0.00001, 0.000015, 0.00002, 0.00003, 0.00005, 0.000075),
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

    It has no key where it is not known which statement it is. `forgot` says that the
    extremes may be of a part of the calls.
    """

    key: Key | None
    datname: str
    new: Counted
    old: Counted | None
    forgot: bool = False


class Seen(NamedTuple):
    """What else was seen between two polls: running statements, logged ones."""

    running: Running
    logged: Logged | None = None


class Logged(NamedTuple):
    """The seconds of logged calls by database; all that took longer than `limit`."""

    limit: float
    seconds: Mapping[str, Sequence[float]]


@dataclass(slots=True)
class Durations:
    """The accounts of all databases."""

    accounts: dict[str, Account] = field(default_factory=dict)
    logged: bool = False
    slowest: Slowest = field(default_factory=Slowest)
    _estimator: Estimator = field(default_factory=Estimator)
    _late: list[tuple[str, Account]] = field(default_factory=list)

    def update(
        self,
        grown: Iterable[Grown],
        seen: Seen,
        limits: Iterable[float],
        databases: Iterable[str],
    ) -> None:
        """Take in what has grown between two polls, in the databases there are.

        A series that is new shows its first calls one poll after its 0.
        """
        for place, poll in self._late:
            self.accounts[place].merge(poll)
        self._late.clear()
        chosen = tuple(sorted({*LIMITS, *limits}))
        bounds = tuple(sorted({*LADDER, *chosen}))
        old = set(self.accounts)
        for datname in databases:
            self.accounts.setdefault(self._place(datname), Account(bounds, chosen))
        for datname, poll in self._polled(grown, seen, Account(bounds, chosen)).items():
            place = self._place(datname)
            self.accounts.setdefault(place, Account(bounds, chosen))
            if place in old:
                self.accounts[place].merge(poll)
            else:
                self._late.append((place, poll))

    def _polled(
        self, grown: Iterable[Grown], seen: Seen, empty: Account
    ) -> dict[str, Account]:
        """Account for a poll alone, by database."""
        windows = [(one, window(one.new, one.old, forgot=one.forgot)) for one in grown]
        windows.sort(key=lambda pair: pair[1].calls * pair[1].mean, reverse=True)
        known = [
            Known(one.key, w, one.new.low, one.new.high, one.new.calls)
            for one, w in windows
        ]
        estimates = self._estimator.estimate(known, seen.running, empty.bounds)
        made = partial(Account, empty.bounds, empty.limits)
        polls: dict[str, Account] = {}
        self.slowest.turn()
        for (one, calls), shares in zip(windows, estimates, strict=True):
            poll = polls.get(one.datname)
            if poll is None:
                poll = polls[one.datname] = made()
            seconds = max(0.0, one.new.total - (one.old.total if one.old else 0.0))
            poll.add(seconds, calls, shares)
            single = one.key and self.slowest.account(one.key, made)
            if single:
                single.add(seconds, calls, shares)
        self.logged = seen.logged is not None
        if seen.logged:
            for datname, poll in polls.items():
                calls_ = seen.logged.seconds.get(datname, ())
                poll.known_above(seen.logged.limit, calls_)
        return polls

    def _place(self, datname: str) -> str:
        full = len(self.accounts) >= _MOST_DATABASES
        return OTHER if full and datname not in self.accounts else datname


def logged_of(limit: float, tail: Tail, users: Names) -> Logged | None:
    """Return what the log says; None unless it surely has all slow statements."""
    if limit < 0 or not tail.whole:
        return None
    seconds: dict[str, list[float]] = {}
    for datname, took, user in tail.slow:
        if keeps(users, user):
            seconds.setdefault(datname, []).append(took)
    return Logged(limit, seconds)
