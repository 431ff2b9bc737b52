"""What collectors know of indexes: names for labels, twins, and why one failed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

LABELS = ("database", "index", "label", "properties", "kind")
SERVING = ("RANGE", "BTREE")
"""Kinds that serve any comparison of their properties."""
STANDINGS = ("present", "missing", "failed", "not_online")

_LONGEST = 120
# The first that is found in the server's message, in small letters.
_REASONS = {
    "too large": "value_too_large",
    "no space left": "disk_full",
    "outofmemory": "memory",
    "memory limit": "memory",
    "conflict": "duplicate_values",
    "both node": "duplicate_values",
    "both relationship": "duplicate_values",
    "corrupt": "corrupt",
    "inconsisten": "corrupt",
    "ioexception": "disk",
}
REASONS = (*dict.fromkeys(_REASONS.values()), "other")


@dataclass(frozen=True, slots=True)
class Covers:
    """What an index is on."""

    name: str
    kind: str
    entity: str
    labels: Sequence[str] | None
    properties: Sequence[str] | None


def joined(names: Sequence[str] | None) -> str:
    """Join names for a label; a full-text index can cover a great many."""
    text = ",".join(names or ())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def standing(states: Collection[str]) -> str:
    """Return what an expected index is, out of the states of those that would do."""
    if not states:
        return "missing"
    if "ONLINE" in states:
        return "present"
    return "failed" if set(states) == {"FAILED"} else "not_online"


def reason(message: str | None) -> str:
    """Return why an index failed, out of REASONS; messages may be stack traces."""
    text = (message or "").lower()
    return next((name for part, name in _REASONS.items() if part in text), "other")


def twins(indexes: Iterable[Covers]) -> dict[str, str]:
    """Return the indexes that another one makes superfluous, each with that one's name.

    They are on the same properties, in whatever order: such an index is used only when
    all of them are compared, and then either serves. The server itself refuses two in
    the same order of one kind. The first by name stays.
    """
    groups: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for one in indexes:
        if one.kind in SERVING and one.properties:
            covered = (one.entity, *(one.labels or ()), frozenset(one.properties))
            groups[covered].append(one.name)
    found: dict[str, str] = {}
    for names in groups.values():
        first, *others = sorted(names)
        found |= dict.fromkeys(others, first)
    return found
