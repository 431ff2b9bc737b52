"""What is seen of a statement's calls beside their moments: durations, and ages."""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.collectors._postgres_bend import Higher

AGES = tuple(0.005 * 2 ** (step / 2) for step in range(30))  # bounds of classes, s


class Seen(NamedTuple):
    """What else is known of a statement's calls.

    `exact` are durations. `ages` counts, by the classes between AGES, the running calls
    that samples saw; `exposure` is how many samples a call would be in, per second that
    it lasts, summed over the calls. The extremes are those of `calls` calls. `higher`
    are the higher moments, and `steady` tells that polls differ by chance alone.
    """

    exact: Sequence[float] = ()
    ages: Sequence[float] = ()
    exposure: float = 0.0
    calls: int = 1
    higher: Higher | None = None
    steady: bool = True

    def observed(self) -> list[tuple[int, float]]:
        """Return the classes in which there are ages, and how many."""
        return [(place, count) for place, count in enumerate(self.ages) if count > 0]


def age_class(age: float) -> int:
    """Return the class between AGES that an age in seconds belongs to."""
    return bisect_left(AGES, age)


def class_bounds(place: int) -> tuple[float, float]:
    """Return the bounds of a class of ages, in seconds."""
    low = AGES[place - 1] if place else 0.0
    return low, AGES[place] if place < len(AGES) else inf


def within(durations: Sequence[float], place: int) -> list[float]:
    """Return how long calls of these durations have an age of one of the classes."""
    low, high = class_bounds(place)
    return [min(took, high) - low if took > low else 0.0 for took in durations]
