"""Declares metrics and samples; knows no I/O, clock or registry."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(StrEnum):
    """The type that a family's `# TYPE` line names."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    UNTYPED = "untyped"


class Sample(NamedTuple):
    """One value of a metric; `None` means absent and is left out when rendered."""

    metric: Metric
    value: float | None
    labels: tuple[str | None, ...] = ()
    suffix: str = ""


_new = tuple.__new__  # takes half the time of a named tuple's own


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A family: its name, type, help and label names (without `target`).

    `help` says the origin (view, command or file) and the unit. Calling the metric with
    a value and one label value per label name makes a sample. A metric equals itself
    alone, which is found out quickly: no other has its name.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    def __call__(self, value: float | None, *labels: str | None) -> Sample:
        """Make a sample; a label value of `None` is written as the empty string."""
        return _new(Sample, (self, value, labels, ""))

    def histogram(self, counts: Histogram, *labels: str | None) -> Iterator[Sample]:
        """Yield the cumulative buckets, the sum and the count of a histogram."""
        total = 0
        for bound, count in zip(_written(counts.bounds), counts.counts, strict=False):
            total += count
            yield _new(Sample, (self, total, (*labels, bound), "_bucket"))
        total += counts.counts[-1]
        yield Sample(self, total, (*labels, "+Inf"), "_bucket")
        yield Sample(self, counts.sum, labels, "_sum")
        yield Sample(self, total, labels, "_count")


@dataclass(slots=True)
class Histogram:
    """Counts per bucket (not cumulative; the last one is above every bound) and sum.

    `bounds` are ascending floats; the same tuple serves every series of a family.
    """

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    sum: float = 0.0

    def __post_init__(self) -> None:
        """Begin with empty buckets."""
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value in the bucket whose upper bound is not below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


@cache
def _written(bounds: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(map(repr, bounds))


def counter(name: str, text: str, *labels: str) -> Metric:
    """Declare a counter."""
    return Metric(name, Kind.COUNTER, text, labels)


def gauge(name: str, text: str, *labels: str) -> Metric:
    """Declare a gauge."""
    return Metric(name, Kind.GAUGE, text, labels)


def untyped(name: str, text: str, *labels: str) -> Metric:
    """Declare a metric without a type, where a peer gives it none."""
    return Metric(name, Kind.UNTYPED, text, labels)


def histogram(name: str, text: str, *labels: str) -> Metric:
    """Declare a classic histogram; `le` is added by `Metric.histogram`."""
    return Metric(name, Kind.HISTOGRAM, text, labels)
