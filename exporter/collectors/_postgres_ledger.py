"""Keeps account of statements between polls: who has series, and what is `other`.

Every series only grows, and their sum is all that was done since the first poll: what
a poll adds to a statement without a series, or with one that begins or ends in this
poll, is added to `other` of its database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_rows import (
    CALLS,
    DATABASE,
    PRINT,
    QUERY,
    TIME,
    USER,
    hidden,
    owner_of,
    summed,
    unpacked,
)
from exporter.collectors._postgres_scores import Change, Scores, Statement
from exporter.state import StickyTop, difference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from exporter.collectors._postgres_rows import Row

OTHER = "other"
_MOST_DATABASES = 100
_MARGIN = 3.0  # times as much as the least member a newcomer must do


class Origin(NamedTuple):
    """When the server started and the view was reset (Unix time), as far as known."""

    started: float
    reset: float | None


class Poll(NamedTuple):
    """One reading of the view, its rows packed (_postgres_rows.py).

    `whole` says that they are all there are; else they are at least those that are not
    as the ledger keeps them, and `gone` the prints that no row has any more: what had
    one and is not among the rows does not exist. `databases` names those whose
    statements count, from now on alone in those that `arrived`: they were there, but
    not wanted. Rows of `left_out`, a user and a query id, or a user and None for all
    of his, do not; rows of `held` wait until a later poll. `size` statements at the
    most have series, all of `users` that still have a name, chosen by the figures at
    the places `busy`, each a kind of load. The first `figures` of a row are added up.
    """

    origin: Origin
    rows: Sequence[bytes]
    databases: Mapping[int, str]
    users: AbstractSet[int]
    left_out: AbstractSet[tuple[int, int | None]]
    held: AbstractSet[tuple[int, int | None]]
    size: int
    busy: Sequence[int]
    figures: int
    whole: bool
    gone: AbstractSet[bytes] = frozenset()
    arrived: AbstractSet[int] = frozenset()

    def sums(self, row: Row) -> Row:
        """Return the figures of a row that can be added up."""
        return row[CALLS : CALLS + self.figures]

    def counts(self, row: Row) -> bool:
        """Tell whether a row is of a statement that is to be counted."""
        user, query = row[USER], row[QUERY]
        return row[DATABASE] in self.databases and not (
            (user, query) in self.left_out or (user, None) in self.left_out
        )

    def known(self, statement: Statement) -> bool:
        """Tell whether a statement may have series: it has labels, and is not held."""
        user, _, query = statement
        named = query is not None and user in self.users
        return named and (user, query) not in self.held


class Growth(NamedTuple):
    """A row that grew, and the one of the poll before unless it counts from 0."""

    new: bytes
    old: bytes | None


@dataclass(slots=True)
class Ledger:
    """Sums per statement and, for the rest, per database name; rows that grew."""

    of: dict[Statement, list[float]] = field(default_factory=dict)
    other: dict[str, list[float]] = field(default_factory=dict)
    grown: list[Growth] = field(default_factory=list)
    _origin: Origin | None = None
    _last: dict[bytes, bytes] = field(default_factory=dict)
    _hidden: set[bytes] = field(default_factory=set)
    _late: list[tuple[str, Sequence[float]]] = field(default_factory=list)
    _scores: Scores = field(default_factory=Scores)
    _top: StickyTop[Statement] = field(default_factory=lambda: StickyTop(_MARGIN))

    def update(self, poll: Poll) -> None:
        """Take in a poll. The first one, or the first after a restart, only begins.

        What was counted between the latest poll and a restart cannot be told from what
        another server, which took over, had counted before.
        """
        self.grown = []
        self._settle()
        now = summed(poll.rows)
        held: set[bytes] = set()
        if self._origin is None:
            self._begin(poll, now)
        elif self._origin.started == poll.origin.started:
            if self._origin.reset != poll.origin.reset:
                self._last.clear()
            self._account(list(self._changes(poll, now, held)), poll)
        self._origin = poll.origin
        self._hidden = set(map(owner_of, filter(hidden, now)))
        self._keep(poll, now, held)

    @property
    def kept(self) -> Collection[bytes]:
        """All rows as they were when they were last counted."""
        return self._last.values()

    def _keep(
        self, poll: Poll, now: dict[bytes, bytes], held: AbstractSet[bytes]
    ) -> None:
        """Keep the rows to compare with next; those that are held stay as before."""
        for key in held:
            del now[key]
            if key in self._last:
                now[key] = self._last[key]
        if not poll.whole:
            now = self._staying(poll, now) | now
        self._last = now

    def _staying(self, poll: Poll, now: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the rows that are kept, without those that do not exist any more."""
        last = self._last
        lost = poll.gone - {last[key][PRINT] for key in now if key in last}
        if not lost:
            return last  # as most often: whose print is gone has another one now
        return {key: raw for key, raw in last.items() if raw[PRINT] not in lost}

    def _begin(self, poll: Poll, now: Mapping[bytes, bytes]) -> None:
        """Choose by all that was done before us, and let every series begin at 0."""
        self._scores.add(self._past(poll, now), poll.busy)
        known = filter(poll.known, self._scores)
        for statement in self._top.update(self._scores.of(known), poll.size):
            self.of[statement] = [0] * poll.figures

    def _past(self, poll: Poll, now: Mapping[bytes, bytes]) -> Iterator[Change]:
        for row in map(unpacked, now.values()):
            if poll.counts(row):
                change = _change(poll, row, poll.sums(row))
                self.other.setdefault(self._place(change.database), [0] * poll.figures)
                yield change

    def _changes(
        self, poll: Poll, now: Mapping[bytes, bytes], held: set[bytes]
    ) -> Iterator[Change]:
        """Yield what was added since the latest poll; note in `held` what waits."""
        for key, raw in now.items():
            before = self._last.get(key)
            if raw == before:
                continue
            row, old = unpacked(raw), unpacked(before) if before else None
            if old is None and row[DATABASE] in poll.arrived:
                continue
            if old is not None and old[TIME] == row[TIME]:
                continue
            if (row[USER], row[QUERY]) in poll.held:
                held.add(key)
            elif poll.counts(row):
                sums = poll.sums(old) if old else None
                added = self._added(key, poll.sums(row), sums)
                if added:
                    from_0 = old is None or added[0] == row[CALLS]
                    self.grown.append(Growth(raw, None if from_0 else before))
                    yield _change(poll, row, added)

    def _added(self, key: bytes, new: Row, old: Row | None) -> Sequence[float] | None:
        """Return what was added to one row, None when that cannot be known.

        A row that was evicted and came back counts from 0 again: it took other time
        for no more calls. A sum of hidden rows shrinks when one of them is evicted, in
        some figures while others grow, or by a rounding. Rows that were hidden among
        others until now bring a past of unknown length.
        """
        grown = old is not None and new[0] > old[0]
        if hidden(key):
            if old is None or not grown or new[1] < old[1]:
                return None
            return [max(0, now - then) for now, then in zip(new, old, strict=True)]
        if old is None and owner_of(key) in self._hidden:
            return None
        return difference(new, old if grown else None)

    def _account(self, changes: Sequence[Change], poll: Poll) -> None:
        self._scores.add(changes, poll.busy)
        named = {c.statement for c in changes if poll.known(c.statement)}
        members = self._top.update(self._scores.of(named | self.of.keys()), poll.size)
        for leaver in self.of.keys() - members:
            del self.of[leaver]
        for change in changes:
            if change.statement in self.of:
                _add(self.of[change.statement], change.figures)
            else:
                self._rest(change.database, change.figures)
        for newcomer in members - self.of.keys():
            self.of[newcomer] = [0] * len(changes[0].figures)
        for place, figures in self._late:
            self.other.setdefault(place, [0] * len(figures))

    def _rest(self, database: str, figures: Sequence[float]) -> None:
        """Add to `other`; a series that is new shows it one poll after its 0."""
        place = self._place(database)
        if place in self.other:
            _add(self.other[place], figures)
        else:
            self._late.append((place, figures))

    def _place(self, database: str) -> str:
        full = len(self.other) >= _MOST_DATABASES
        return OTHER if full and database not in self.other else database

    def _settle(self) -> None:
        late, self._late = self._late, []
        for place, figures in late:
            _add(self.other[place], figures)


def _change(poll: Poll, row: Row, figures: Sequence[float]) -> Change:
    user, database, query = row[USER], row[DATABASE], row[QUERY]
    return Change((user, database, query), poll.databases[database], figures)


def _add(sums: list[float], figures: Sequence[float]) -> None:
    for place, figure in enumerate(figures):
        sums[place] += figure
