"""What names the cause of a broken KPI and fits no label: tables, kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Cell = str | float | None

_KEPT = 3600.0  # seconds for which what is gone can still be looked at
_MOST_ROWS = 200


class Evidence(NamedTuple):
    """A table that belongs to some KPIs; whoever makes it has redacted its texts.

    `depths` makes a tree of the rows: how deep each one stands below the one before.
    Without rows it says that there is nothing to see now.
    """

    kpis: tuple[str, ...]
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    depths: tuple[int, ...] = ()


class Kept(NamedTuple):
    """Evidence, when it was seen last (Unix time), and whether it is there now."""

    evidence: Evidence
    seen: float
    current: bool


class Book:
    """The latest evidence of each target; it outlasts its cause by an hour."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[tuple[str, str, str], Kept] = {}

    def put(
        self, target: str, collector: str, found: Iterable[Evidence], now: float
    ) -> None:
        """Take in what one poll found; what it found no more is kept as past."""
        self._forget(now)
        self.stale(target, collector)
        for one in found:
            if one.rows:
                cut = one._replace(rows=one.rows[:_MOST_ROWS])
                place = (target, collector, one.title)
                self._kept[place] = Kept(cut, now, current=True)

    def of(self, target: str, now: float, kpi: str | None = None) -> list[Kept]:
        """Return what is known of a target, of one KPI or all, the newest first."""
        found = [
            kept
            for (name, _, _), kept in self._kept.items()
            if name == target
            and now - kept.seen <= _KEPT
            and (kpi is None or kpi in kept.evidence.kpis)
        ]
        return sorted(found, key=lambda kept: (-kept.seen, kept.evidence.title))

    def stale(self, target: str, collector: str) -> None:
        """Note that a collector fails, so that nothing of it is current."""
        for place, kept in self._kept.items():
            if place[:2] == (target, collector):
                self._kept[place] = kept._replace(current=False)

    def _forget(self, now: float) -> None:
        for place, kept in [*self._kept.items()]:
            if now - kept.seen > _KEPT:
                del self._kept[place]

    def remove(self, target: str) -> None:
        """Forget a target altogether."""
        for place in [place for place in self._kept if place[0] == target]:
            del self._kept[place]
