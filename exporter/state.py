"""What collectors remember between polls: sums of differences, and a sticky top-N."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KeyT = TypeVar("KeyT")


class StickyTop(Generic[KeyT]):
    """The members of a top-N that change rarely: whoever is in, stays in for long.

    A newcomer replaces a member only when its score is more than `margin` times as
    high, so that ranks which change places from poll to poll make no new series.
    """

    def __init__(self, margin: float = 1.5) -> None:
        """Begin without members."""
        self.members: set[KeyT] = set()
        self._margin = margin

    def update(self, scores: Mapping[KeyT, float], size: int) -> set[KeyT]:
        """Take in new scores and return the members, `size` at the most.

        A member without a score is out.
        """
        self.members &= scores.keys()
        outsiders = (key for key in scores if key not in self.members)
        best = sorted(outsiders, key=lambda key: scores[key], reverse=True)
        worst = sorted(self.members, key=lambda key: scores[key])
        for key in worst[: max(0, len(worst) - size)]:
            self.members.discard(key)
        worst = worst[max(0, len(worst) - size) :]
        for newcomer in best:
            if len(self.members) < size:
                self.members.add(newcomer)
                continue
            if not worst or scores[newcomer] <= scores[worst[0]] * self._margin:
                break
            self.members.discard(worst.pop(0))
            self.members.add(newcomer)
        return self.members


def difference(new: Iterable[float], old: Iterable[float] | None) -> tuple[float, ...]:
    """Subtract counters pairwise; after a reset the new values are the difference."""
    values = tuple(new)
    if old is None:
        return values
    changes = [after - before for after, before in zip(values, old, strict=True)]
    return values if min(changes, default=0) < 0 else tuple(changes)
