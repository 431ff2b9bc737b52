"""What the benchmark found: lines with aim and verdict, as a table or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Line(NamedTuple):
    """One figure; `most` or `exactly` is its aim, without one it is for comparison."""

    what: str
    value: float
    unit: str
    most: float | None = None
    exactly: float | None = None
    note: str = ""

    @property
    def aim(self) -> str:
        """The aim in words."""
        if self.most is not None:
            return f"≤ {quantity(self.most, self.unit)}"
        if self.exactly is not None:
            return f"= {quantity(self.exactly, self.unit)}"
        return ""

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing where there is no aim."""
        if self.most is not None:
            return "met" if self.value <= self.most else "missed"
        if self.exactly is not None:
            return "met" if self.value == self.exactly else "missed"
        return ""

    @property
    def measured(self) -> str:
        """The figure in words."""
        text = quantity(self.value, self.unit)
        return f"{text} ({self.note})" if self.note else text


def quantity(value: float, unit: str) -> str:
    """Write a figure with three digits that count, and its unit."""
    if value == int(value) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def table(lines: Sequence[Line]) -> str:
    """Lay the lines out in columns: what, aim, verdict, measured."""
    rows = [("what", "aim", "verdict", "measured")]
    rows += [(line.what, line.aim, line.verdict, line.measured) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    texts = [
        "  ".join(
            [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            + [row[3]]
        ).rstrip()
        for row in rows
    ]
    texts.insert(1, "-" * max(map(len, texts)))
    return "\n".join(texts)


def as_json(lines: Sequence[Line]) -> str:
    """Write the lines for programs."""
    found = [{**line._asdict(), "verdict": line.verdict or None} for line in lines]
    return json.dumps(found, ensure_ascii=False, indent=1)
