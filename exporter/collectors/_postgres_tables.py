"""Keeps account of tables between polls: who has series, and what is `other`.

A table with series shows the server's own figures. What the rest did is summed up per
database, in counters that only grow: what a poll adds to a table without series, or
with some that begin or end in this poll, is added there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.state import StickyTop, difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Key = tuple[str, str, str]  # database, schema, table
Found = dict[str, dict[Key, "Table"]]  # by database

OTHER = "other"
_FADING = 0.9  # of what a table has done, from one poll to the next
_FORGOTTEN = 1e-6  # of all that was done
_MOST_DATABASES = 1000
_NEGLECTED = 1.5  # times beyond where vacuum or analyze should begin
_FIRST = 10.0  # score that puts a neglected table before all others


class Table(NamedTuple):
    """A table's figures; `due` is how far vacuum or analyze is beyond its beginning."""

    counters: tuple[int, ...]
    gauges: tuple[int, ...]
    size: float
    due: float


class Rest(NamedTuple):
    """What the tables without series of one database have, together."""

    counters: tuple[float, ...]
    gauges: tuple[float, ...]


@dataclass(slots=True)
class Account:
    """The members of the top-N, and sums for the rest.

    `kinds` are places of counters, each group a kind of load by which tables rank
    beside their size.
    """

    kinds: tuple[tuple[int, ...], ...]
    members: set[Key] = field(default_factory=set)
    _other: dict[str, tuple[float, ...]] = field(default_factory=dict)
    _last: dict[str, dict[Key, tuple[int, ...]]] = field(default_factory=dict)
    _done: dict[Key, list[float]] = field(default_factory=dict)
    _top: StickyTop[Key] = field(default_factory=StickyTop)

    def update(self, found: Found, size: int) -> dict[str, Rest]:
        """Take in a poll of some databases; return the rest's sums of each of them.

        A database that was not read this time keeps its members and its past.
        """
        changes = dict(self._changes(found))
        self._rank(found, changes)
        before = self.members
        self.members = set(self._top.update(self._scores(found), size))
        rest = {
            name: self._rest(name, tables, changes, before & self.members)
            for name, tables in found.items()
            if tables
        }
        for name, tables in found.items():
            self._last[name] = {key: table.counters for key, table in tables.items()}
        self._forget(found)
        return rest

    def _changes(self, found: Found) -> Iterator[tuple[Key, tuple[float, ...]]]:
        """Yield what each table did since the latest poll of its database."""
        for name, tables in found.items():
            last = self._last.get(name)
            if last is None:
                continue
            for key, table in tables.items():
                old = last.get(key)
                if old != table.counters:
                    yield key, difference(table.counters, old)

    def _rank(self, found: Found, changes: Mapping[Key, tuple[float, ...]]) -> None:
        """Let the past fade and add what was done; at first, all there ever was."""
        for done in self._done.values():
            done[:] = [part * _FADING for part in done]
        for name, tables in found.items():
            first = name not in self._last
            for key, table in tables.items():
                did = table.counters if first else changes.get(key)
                if did is not None:
                    self._add(key, did)

    def _add(self, key: Key, did: tuple[float, ...]) -> None:
        work = [float(sum(did[place] for place in kind)) for kind in self.kinds]
        if any(work):
            done = self._done.get(key)
            self._done[key] = _sum(done, work) if done else work

    def _scores(self, found: Found) -> dict[Key, float]:
        """Return each table's share of the kind of load that it has most of."""
        totals = [sum(kind) for kind in zip(*self._done.values(), strict=True)]
        pages = sum(t.size for tables in found.values() for t in tables.values()) or 1
        scores = {
            key: max(table.size / pages, *self._shares(key, totals))
            + (_FIRST if table.due >= _NEGLECTED else 0.0)
            for tables in found.values()
            for key, table in tables.items()
        }
        for key in self.members:
            if key[0] not in found and key[0] in self._last:
                scores[key] = _FIRST * 2
        return scores

    def _shares(self, key: Key, totals: list[float]) -> Iterable[float]:
        done = self._done.get(key)
        if done is None:
            return (0.0,)
        return (d / t if t else 0.0 for d, t in zip(done, totals, strict=True))

    def _rest(
        self,
        name: str,
        tables: dict[Key, Table],
        changes: Mapping[Key, tuple[float, ...]],
        lasting: set[Key],
    ) -> Rest:
        """Add what was done outside the lasting members; a new series begins at 0."""
        some = next(iter(tables.values()))
        sums = list(self._other.get(name, (0.0,) * len(some.counters)))
        for key in tables.keys() - lasting:
            if key in changes:
                sums = _sum(sums, changes[key])
        self._other[name] = tuple(sums)
        gauges = [0.0] * len(some.gauges)
        for key in tables.keys() - self.members:
            gauges = _sum(gauges, tables[key].gauges)
        return Rest(tuple(sums), tuple(gauges))

    def _forget(self, found: Found) -> None:
        """Drop what idle and dropped tables, and databases that are gone, left here."""
        totals = [sum(kind) for kind in zip(*self._done.values(), strict=True)]
        for key in list(self._done):
            gone = key[0] in found and key not in found[key[0]]
            if gone or max(self._shares(key, totals)) < _FORGOTTEN:
                del self._done[key]
        if len(self._last) > _MOST_DATABASES:
            for name in self._last.keys() - found.keys():
                del self._last[name], self._other[name]


def _sum(one: Iterable[float], two: Iterable[float]) -> list[float]:
    return [a + b for a, b in zip(one, two, strict=True)]
