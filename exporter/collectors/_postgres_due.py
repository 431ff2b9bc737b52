"""When autovacuum should act on a table: PostgreSQL's rule, with the table's options.

A threshold, and a share of the table's rows; at the most max_threshold (VACUUM, 18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PREFIX = "autovacuum_"


class Due(NamedTuple):
    """How much has piled up, in multiples of the point where autovacuum should act."""

    vacuum: float
    analyze: float


class Thresholds(NamedTuple):
    """The server's settings, or a table's: rows, and a share of the table's rows."""

    vacuum: float
    vacuum_scale: float
    vacuum_most: float
    analyze: float
    analyze_scale: float

    @classmethod
    def of(cls, settings: Mapping[str, float]) -> Thresholds:
        """Take them from settings by name, those of old versions without a maximum."""
        named = {name.removeprefix(_PREFIX): value for name, value in settings.items()}
        return cls(
            vacuum=named["vacuum_threshold"],
            vacuum_scale=named["vacuum_scale_factor"],
            vacuum_most=named.get("vacuum_max_threshold", -1.0),
            analyze=named["analyze_threshold"],
            analyze_scale=named["analyze_scale_factor"],
        )

    def changed(self, options: Sequence[str] | None) -> Thresholds:
        """Return those of a table with these storage options (`name=value`)."""
        pairs = dict(option.split("=", 1) for option in options or ())
        own = {
            field: float(pairs[_PREFIX + name])
            for field, name in _OPTIONS.items()
            if _PREFIX + name in pairs
        }
        return self._replace(**own) if own else self


_OPTIONS = {
    "vacuum": "vacuum_threshold",
    "vacuum_scale": "vacuum_scale_factor",
    "vacuum_most": "vacuum_max_threshold",
    "analyze": "analyze_threshold",
    "analyze_scale": "analyze_scale_factor",
}


def due(limits: Thresholds, rows: float, dead: float, changed: float) -> Due:
    """Compare dead and changed rows with a table's limits; `rows` is reltuples.

    A negative number of rows is of a table that was never analyzed: it counts as empty.
    """
    rows = max(0.0, rows)
    vacuum = limits.vacuum + limits.vacuum_scale * rows
    if limits.vacuum_most >= 0:
        vacuum = min(vacuum, limits.vacuum_most)
    analyze = limits.analyze + limits.analyze_scale * rows
    return Due(dead / max(1.0, vacuum), changed / max(1.0, analyze))
