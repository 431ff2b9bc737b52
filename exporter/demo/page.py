"""Reads exposition text, and compares two readings; knows no I/O and no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterator


class Found(NamedTuple):
    """One sample: its labels and value."""

    labels: dict[str, str]
    value: float


class Page:
    """The samples of one page, read at `moment` (seconds of a steady clock)."""

    def __init__(self, text: str, moment: float, names: frozenset[str]) -> None:
        """Read the samples of these names alone: reading a full page takes long."""
        self.moment = moment
        self._found: dict[str, list[Found]] = {}
        lines = (line for line in text.splitlines() if _name(line) in names)
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for sample in family.samples:
                found = Found(sample.labels, sample.value)
                self._found.setdefault(sample.name, []).append(found)

    def each(self, name: str, **labels: str) -> Iterator[Found]:
        """Yield the samples of a name that carry these labels."""
        for found in self._found.get(name, ()):
            if labels.items() <= found.labels.items():
                yield found

    def total(self, name: str, **labels: str) -> float | None:
        """Return the sum of the samples; None when there are none."""
        values = [found.value for found in self.each(name, **labels)]
        return sum(values) if values else None


class Change(NamedTuple):
    """Two readings of a page, the earlier one first."""

    before: Page
    now: Page

    def of(self, name: str, **labels: str) -> float | None:
        """Return by how much a counter grew; None when it is absent or began anew.

        A series that is new in a family that was there has grown from 0.
        """
        old, new = self.before.total(name, **labels), self.now.total(name, **labels)
        if old is None and self.before.total(name) is not None:
            old = 0.0
        if old is None or new is None or new < old:
            return None
        return new - old

    def per_second(self, name: str, **labels: str) -> float | None:
        """Return a counter's growth per second; None without two different moments."""
        passed, growth = self.now.moment - self.before.moment, self.of(name, **labels)
        return growth / passed if growth is not None and passed > 0 else None

    def share(self, part: float | None, whole: float | None) -> float | None:
        """Divide two growths; None when the whole is nothing."""
        return part / whole if part is not None and whole else None

    def by(self, name: str, key: str, **labels: str) -> dict[str, float]:
        """Return the growth per value of one label, of those that grew."""
        values = {f.labels.get(key, "") for f in self.now.each(name, **labels)}
        grown = {v: self.of(name, **{**labels, key: v}) for v in values}
        return {value: growth for value, growth in grown.items() if growth}

    def quantile(self, share: float, name: str, **labels: str) -> float | None:
        """Return the upper bound of the bucket that holds a quantile, in seconds."""
        buckets = {
            float(found.labels["le"]): self.of(
                f"{name}_bucket", **labels, le=found.labels["le"]
            )
            for found in self.now.each(f"{name}_bucket", **labels)
        }
        count = buckets.get(float("inf"))
        if not count:
            return None
        return min(b for b, n in buckets.items() if (n or 0) >= share * count)


def _name(line: str) -> str:
    return line.partition("{")[0].partition(" ")[0]
