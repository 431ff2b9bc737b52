"""Sums of differences per command or the like: who has series, and what is `other`.

Every series only grows, whatever the server forgets. A series that begins later than we
did begins at 0 and shows its first counts one poll later, so that `rate()` sees them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.state import StickyTop, difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.sources.redis_text import Life

OTHER = "other"
_FADING = 0.98  # of a score from poll to poll: half is gone after 34

Counts = tuple[float, ...]


@dataclass(slots=True)
class Totals:
    """Sums of differences: one per key with series of its own, and the rest's.

    Each key has `width` counts, the first `busy` of which make its score. Those before
    `split` come from another command than the rest, so a reset may show in one alone.
    """

    width: int
    top: int
    busy: int = 1
    split: int = 0
    of: dict[str, Counts] = field(default_factory=dict)
    other: Counts = ()
    fresh: set[str] = field(default_factory=set)
    _last: dict[str, Counts] | None = None
    _run_id: str | None = None
    _scores: dict[str, float] = field(default_factory=dict)
    _top: StickyTop[str] = field(default_factory=StickyTop)

    def __post_init__(self) -> None:
        """Begin with nothing in the rest."""
        self.other = (0.0,) * self.width

    def update(
        self,
        counts: Mapping[str, Counts],
        *,
        reset: bool = False,
        life: Life | None = None,
    ) -> None:
        """Take in a poll; `fresh` are then the keys whose series begin at 0.

        A `reset` is told by who has seen it in other figures: one that shows in these
        as a fall needs no telling. Of a server that took another's place all that it
        has counted before is left out.
        """
        last: Mapping[str, Counts] = {} if reset else self._last or {}
        if life is not None:
            if self._last is not None and life.run_id != self._run_id:
                last = {} if life.is_new else counts
            self._run_id = life.run_id
        changes = {
            key: self._change(new, last.get(key))
            for key, new in counts.items()
            if new != last.get(key)
        }
        members = self._members(changes)
        for key in self.of.keys() - members:
            unseen = self.of.pop(key)
            if key in self.fresh:
                self.other = _sum(self.other, unseen)
        self.fresh = set() if self._last is None else members - self.of.keys()
        for key, change in changes.items():
            if key in members:
                self.of[key] = _sum(self.of.get(key), change)
            else:
                self.other = _sum(self.other, change)
        self._last = dict(counts)

    def shown(self) -> Iterator[tuple[str, Counts]]:
        """Yield what each series says now, that of the rest last."""
        for key, total in self.of.items():
            if key not in self.fresh:
                yield key, total
        for key in sorted(self.fresh):
            yield key, (0.0,) * self.width
        yield OTHER, self.other

    def _change(self, new: Counts, old: Counts | None) -> Counts:
        if old is None or not self.split:
            return difference(new, old)
        at = self.split
        return difference(new[:at], old[:at]) + difference(new[at:], old[at:])

    def _members(self, changes: Mapping[str, Counts]) -> set[str]:
        for key in self._scores:
            self._scores[key] *= _FADING
        for key, change in changes.items():
            load = sum(change[: self.busy])
            self._scores[key] = self._scores.get(key, 0.0) + load
        return set(self._top.update(self._scores, self.top))


def _sum(one: Counts | None, two: Counts) -> Counts:
    return tuple(a + b for a, b in zip(one, two, strict=True)) if one else two
