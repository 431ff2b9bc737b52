"""How much is in a database, by label, type and index, from the count store.

neo4j_database_nodes{database="neo4j"} 40000
neo4j_database_relationships{database="neo4j"} 12
neo4j_nodes{database="neo4j",label="AuditEvent"} 20000
neo4j_relationships{database="neo4j",relationship="RAN"} 12
neo4j_index_entries{database="neo4j",label="User",properties="id",kind="range"} 200
neo4j_index_distinct_entries{database="neo4j",label="User",…} 200
neo4j_index_updates_since_sample{database="neo4j",label="User",…} 5

Read every five minutes. The 50 largest labels, the 50 largest types and the 100 largest
indexes have series of their own; labels and types beyond are summed as `other`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind
from exporter.collectors._neo4j_index import joined
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exporter.metrics import Metric, Sample
    from exporter.sources.neo4j import Neo4jSource

QUERY = """
CALL db.stats.retrieve('GRAPH COUNTS') YIELD data
RETURN data.nodes AS nodes, data.relationships AS relationships,
  data.indexes AS indexes"""

KINDS = "SHOW INDEXES YIELD type RETURN DISTINCT type AS kind"

_INTERVAL = 300.0
_MOST = 50
_MOST_INDEXES = 100
_OTHER = "other"
_INDEX = ("database", "label", "properties", "kind")

ALL_NODES = gauge(
    "neo4j_database_nodes", "db.stats.retrieve: nodes of the database.", "database"
)
ALL_RELATIONSHIPS = gauge(
    "neo4j_database_relationships",
    "db.stats.retrieve: relationships of the database.",
    "database",
)
NODES = gauge(
    "neo4j_nodes",
    "db.stats.retrieve: nodes by label; one with two labels is in both.",
    *("database", "label"),
)
RELATIONSHIPS = gauge(
    "neo4j_relationships",
    "db.stats.retrieve: relationships by type.",
    *("database", "relationship"),
)
ENTRIES = gauge(
    "neo4j_index_entries",
    "totalSize of db.stats.retrieve: entries when the index was last sampled.",
    *_INDEX,
)
DISTINCT = gauge(
    "neo4j_index_distinct_entries",
    "estimatedUniqueSize of db.stats.retrieve: distinct entries at the last sample; "
    "few of them among many make an index of little use.",
    *_INDEX,
)
UPDATES = gauge(
    "neo4j_index_updates_since_sample",
    "updatesSinceEstimation of db.stats.retrieve: changes that the planner does not "
    "know of yet.",
    *_INDEX,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Three lists of maps, as the procedure gives them."""

    nodes: list[dict[str, Any]] | None
    relationships: list[dict[str, Any]] | None
    indexes: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of index that the database has."""

    kind: str


class Entry(NamedTuple):
    """The figures of one index."""

    entries: int | None
    distinct: int | None
    updates: int | None


@dataclass(slots=True)
class Memory:
    """Which labels, types and indexes of a database have series of their own."""

    labels: StickyTop[str] = field(default_factory=StickyTop)
    types: StickyTop[str] = field(default_factory=StickyTop)
    indexes: StickyTop[tuple[str, ...]] = field(default_factory=StickyTop)


async def read(source: Neo4jSource) -> dict[str, list[Counts]]:
    """Read the counts of each of the configured databases."""
    return {
        database: await source.fetch(Counts, QUERY, database=database)
        for database in source.config.databases
    }


def samples(
    databases: dict[str, list[Counts]], state: dict[str, Memory]
) -> Iterator[Sample]:
    """Show the largest, and what else there is as `other`."""
    for name, rows in databases.items():
        memory = state.setdefault(name, Memory())
        for row in rows:
            nodes, relationships = row.nodes or [], row.relationships or []
            yield ALL_NODES(_total(nodes), name)
            yield ALL_RELATIONSHIPS(_total(relationships), name)
            labels = _counts(nodes, "label")
            yield from _largest(NODES, name, labels, memory.labels)
            types = _counts(relationships, "relationshipType")
            yield from _largest(RELATIONSHIPS, name, types, memory.types)
            yield from _indexes(name, row.indexes or [], memory.indexes)


def _total(rows: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the count of the row that is about nothing in particular."""
    return next((row["count"] for row in rows if set(row) == {"count"}), None)


def _counts(rows: Iterable[Mapping[str, Any]], key: str) -> dict[str, int]:
    """Return the counts by one key; rows about two of them are left out."""
    return {row[key]: row["count"] for row in rows if set(row) == {"count", key}}


def _largest(
    metric: Metric, database: str, counts: Mapping[str, int], top: StickyTop[str]
) -> Iterator[Sample]:
    kept = top.update(counts, _MOST)
    for name, count in counts.items():
        if name in kept:
            yield metric(count, database, name)
    if len(kept) < len(counts):
        rest = sum(count for name, count in counts.items() if name not in kept)
        yield metric(rest, database, _OTHER)


def _indexes(
    database: str, rows: Sequence[Mapping[str, Any]], top: StickyTop[tuple[str, ...]]
) -> Iterator[Sample]:
    found: dict[tuple[str, ...], Entry] = {}
    for row in rows:
        if row.get("properties"):  # else one that looks labels up, without figures
            kind = str(row.get("indexType") or "").lower()
            names = row.get("labels") or row.get("relationshipTypes")
            found[joined(names), joined(row["properties"]), kind] = Entry(
                row.get("totalSize"),
                row.get("estimatedUniqueSize"),
                row.get("updatesSinceEstimation"),
            )
    sizes = {key: 1 + (entry.entries or 0) for key, entry in found.items()}
    for key in top.update(sizes, _MOST_INDEXES):
        yield ENTRIES(found[key].entries, database, *key)
        yield DISTINCT(found[key].distinct, database, *key)
        yield UPDATES(found[key].updates, database, *key)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Say which indexes the procedure has no figures of."""
    findings: list[Finding] = []
    for database, rows in (await read(source)).items():
        told = [one for row in rows for one in row.indexes or ()]
        kinds = {one.get("indexType") for one in told}
        if None in kinds:
            what = "kind of the indexes that neo4j_index_entries is about"
            findings.append(Finding(what, "Neo4j 5 or later"))
            continue
        for row in await source.fetch(Kind, KINDS, database=database):
            if row.kind not in kinds:
                what = (
                    f"entries of {row.kind} indexes: db.stats.retrieve leaves them out"
                )
                findings.append(Finding(f"{what} in database {database}"))
    return findings


COLLECTOR = Collector(
    name="graph",
    source=SourceKind.NEO4J,
    metrics=(
        *(ALL_NODES, ALL_RELATIONSHIPS, NODES, RELATIONSHIPS),
        *(ENTRIES, DISTINCT, UPDATES),
    ),
    read=read,
    samples=samples,
    state=dict[str, Memory],
    privilege="any user on Community; EXECUTE PROCEDURE db.stats.retrieve, which is an "
    "admin's, on Enterprise",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
)
