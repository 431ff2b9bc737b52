"""Which statements make most of each kind of load, the latest polls before all."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Statement = tuple[int, int, int | None]

_GROWTH = 1.005  # of a poll's weight in the scores: half is forgotten after 140 polls
_PAST = 60  # polls that what was done before us weighs
_MOST_WEIGHT = 1e100
_MOST_SCORES = 20_000


class Change(NamedTuple):
    """What was added to a statement; one that is hidden from us has no query id."""

    statement: Statement
    database: str
    figures: Sequence[float]


@dataclass(slots=True)
class Scores:
    """How much of each kind of load a statement makes, the latest polls before all.

    `_of` has the place in `_loads` where a statement's scores begin, one of each kind.
    """

    _of: dict[Statement, int] = field(default_factory=dict)
    _loads: array[float] = field(default_factory=lambda: array("d"))
    _totals: array[float] = field(default_factory=lambda: array("d"))
    _weight: float = 1.0
    _polls: int = 0

    def __iter__(self) -> Iterator[Statement]:
        """Go through all statements that have scores."""
        return iter(self._of)

    def add(self, changes: Iterable[Change], busy: Sequence[int]) -> None:
        """Take in a poll's changes, which weigh more than those of the poll before."""
        none = array("d", [0.0] * len(busy))
        self._totals = self._totals or none[:]
        self._weight *= _GROWTH
        if self._polls == 1 and (changes := list(changes)):
            self._weigh_past(changes, busy)  # the first poll was what was done before
        added = False
        for statement, _, figures in changes:
            added = True
            begin = self._of.setdefault(statement, len(self._loads))
            if begin == len(self._loads):
                self._loads.extend(none)
            for kind, place in enumerate(busy):
                load = figures[place] * self._weight
                self._loads[begin + kind] += load
                self._totals[kind] += load
        self._polls += added
        if self._weight > _MOST_WEIGHT:
            self._shrink()
        if len(self._of) > _MOST_SCORES:
            self._forget()

    def of(self, statements: Iterable[Statement]) -> dict[Statement, float]:
        """Return each one's share of the kind of load that it has most of."""
        totals = self._totals
        return {
            statement: max(
                [
                    part / total if total else 0.0
                    for part, total in zip(self._score(statement), totals, strict=True)
                ]
            )
            for statement in statements
        }

    def _score(self, statement: Statement) -> array[float]:
        begin, kinds = self._of.get(statement), len(self._totals)
        if begin is None:
            return array("d", [0.0] * kinds)
        return self._loads[begin : begin + kinds]

    def _forget(self) -> None:
        """Drop every other statement, by rank, and what was kept of it."""
        shares = self.of(self._of)
        kept = sorted(shares, key=shares.__getitem__)[1::2]
        loads = array("d")
        for statement in kept:
            loads.extend(self._score(statement))
        self._of = {
            statement: place * len(self._totals) for place, statement in enumerate(kept)
        }
        self._loads = loads

    def _weigh_past(self, changes: Sequence[Change], busy: Sequence[int]) -> None:
        """Let all that was done before us weigh as much as many polls like this one."""
        for kind, place in enumerate(busy):
            now = sum(change.figures[place] for change in changes)
            past = self._totals[kind]
            factor = now * _PAST * self._weight / past if past else 0.0
            self._totals[kind] *= factor
            for score in range(kind, len(self._loads), len(busy)):
                self._loads[score] *= factor

    def _shrink(self) -> None:
        """Begin again with a weight of 1, at the same proportions."""
        for parts in (self._totals, self._loads):
            parts[:] = array("d", [part / self._weight for part in parts])
        self._weight = 1.0
