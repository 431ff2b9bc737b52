"""What collectors know of indexes: what one is, its twins, and why one failed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.neo4j_show import Either, Made, Show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exporter.sources.neo4j import Neo4jSource

LABELS = ("database", "index", "label", "properties", "kind")
SERVING = ("RANGE", "BTREE")
"""Kinds that serve any comparison of their properties."""
LONG_UNUSED = 30 * 86400.0
"""Seconds: a month has seen the monthly reports too."""
STANDINGS = ("present", "missing", "failed", "not_online", "unused", "duplicate")

INDEXES = Show(
    "SHOW INDEXES",
    {
        "name": "name",
        "state": "state",
        "percent": "populationPercent",
        "kind": "type",
        "entity": "entityType",
        "labels": "labelsOrTypes",
        "properties": "properties",
        "provider": "indexProvider",
        # An index of a constraint bears the constraint's name in 4.4.
        "owner": Either(
            "owningConstraint",
            Made("uniqueness", "CASE uniqueness WHEN 'UNIQUE' THEN name END"),
        ),
        "reads": "readCount",
        # Numbers, for it takes the driver long to make moments.
        "last_read": Made("lastRead", "lastRead.epochMillis / 1000.0"),
        "tracked_since": Made("trackedSince", "trackedSince.epochMillis / 1000.0"),
        "now_ms": Made("name", "timestamp()"),
        "why": "failureMessage",
    },
)

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


@dataclass(frozen=True, slots=True)
class Shown(Covers):
    """What SHOW INDEXES says that an index is, and how it is used.

    Moments in Unix seconds, now in milliseconds by the server's clock.
    """

    state: str
    owner: str | None = None
    last_read: float | None = None
    tracked_since: float | None = None
    now_ms: float | None = None

    @property
    def unused(self) -> float | None:
        """Return the seconds since it was read; None where that is no reproach."""
        since = self.last_read or self.tracked_since
        if since is None or self.now_ms is None or self.owner or self.kind == "LOOKUP":
            return None
        return max(0.0, self.now_ms / 1000 - since)


@dataclass(frozen=True, slots=True)
class Index(Shown):
    """One row of SHOW INDEXES, with the server's message if it failed."""

    percent: float | None = None
    provider: str | None = None
    reads: int | None = None
    why: str | None = None


class Expected(NamedTuple):
    """An index that was asked for, and those of STANDINGS that hold of it."""

    label: str
    properties: tuple[str, ...]
    holds: tuple[str, ...]


async def read_indexes(source: Neo4jSource) -> dict[str, list[Index]]:
    """Read the indexes of each of the configured databases, once in a round."""
    text = INDEXES.text(await source.columns(INDEXES.command))
    return {
        database: await source.fetch_once(Index, text, database)
        for database in source.config.databases
    }


def joined(names: Sequence[str] | None) -> str:
    """Join names for a label; a full-text index can cover a great many."""
    text = ",".join(names or ())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def expected(
    wanted: Iterable[tuple[str, tuple[str, ...]]], indexes: Sequence[Shown]
) -> Iterator[Expected]:
    """Say of each (label, properties) how the indexes that would serve it stand."""
    superfluous = twins(indexes)
    paired = {*superfluous, *superfluous.values()}
    for label, properties in wanted:
        serving = [one for one in indexes if _serves(one, label, properties)]
        holds = [_standing({one.state for one in serving})]
        if serving and all((one.unused or 0) > LONG_UNUSED for one in serving):
            holds.append("unused")
        if any(one.name in paired for one in serving):
            holds.append("duplicate")
        yield Expected(label, properties, tuple(holds))


def _serves(one: Covers, label: str, properties: tuple[str, ...]) -> bool:
    covered = (one.entity, (one.labels or [""])[0], tuple(one.properties or ()))
    return one.kind in SERVING and covered == ("NODE", label, properties)


def _standing(states: set[str]) -> str:
    if not states:
        return "missing"
    if "ONLINE" in states:
        return "present"
    return "failed" if states == {"FAILED"} else "not_online"


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
