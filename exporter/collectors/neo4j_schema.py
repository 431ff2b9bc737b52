"""How many indexes and constraints there are, which are superfluous, and why some fail.

neo4j_indexes{database="neo4j",kind="range",state="online"} 12
neo4j_constraints{database="neo4j",kind="uniqueness"} 3
neo4j_index_twin{database="neo4j",index="b_a",twin="a_b"} 1
neo4j_index_failure{database="neo4j",index="big",reason="value_too_large"} 1
neo4j_index_unused_seconds{database="neo4j",index="b_a"} 2592000

Read every minute. At most 100 twins, failures and unused ones of a database are named.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind, stateless
from exporter.collectors._neo4j_index import (
    INDEXES,
    LONG_UNUSED,
    Index,
    joined,
    read_indexes,
    reason,
    twins,
)
from exporter.collectors._neo4j_text import redacted
from exporter.evidence import Evidence
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

CONSTRAINTS = """
SHOW CONSTRAINTS YIELD type, entityType RETURN type AS kind, entityType AS entity"""

_INTERVAL = 60.0
_MOST = 100
_LONGEST = 300
_STATES = ("online", "populating", "failed", "not_found", "other")
_CONSTRAINTS = (
    *("uniqueness", "relationship_uniqueness", "node_key", "relationship_key"),
    *("node_property_existence", "relationship_property_existence"),
    *("node_property_type", "relationship_property_type"),
)
# Cypher 25's names for what Cypher 5 calls otherwise.
_RENAMED = {
    "node_property_uniqueness": "uniqueness",
    "relationship_property_uniqueness": "relationship_uniqueness",
}

COUNT = gauge(
    "neo4j_indexes",
    "SHOW INDEXES: indexes by type and state.",
    *("database", "kind", "state"),
)
CONSTRAINED = gauge(
    "neo4j_constraints",
    "SHOW CONSTRAINTS: constraints by type, as Cypher 5 names it.",
    *("database", "kind"),
)
TWIN = gauge(
    "neo4j_index_twin",
    "SHOW INDEXES: 1 for an index on the same properties as its twin, in another order "
    "or of an older kind: one of the two is enough.",
    *("database", "index", "twin"),
)
FAILURE = gauge(
    "neo4j_index_failure",
    "failureMessage of SHOW INDEXES, in one word: 1 for each index that failed.",
    *("database", "index", "reason"),
)
UNUSED = gauge(
    "neo4j_index_unused_seconds",
    "SHOW INDEXES (5.8 and later): seconds since lastRead, else since trackedSince, of "
    "those that no constraint needs and that look no labels up; the longest unused.",
    *("database", "index"),
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """The kind of a constraint."""

    kind: str
    entity: str


class Schema(NamedTuple):
    """The indexes and constraints of one database."""

    indexes: list[Index]
    constraints: list[Constraint]


async def read(source: Neo4jSource) -> dict[str, Schema]:
    """Read the schema of each of the configured databases."""
    return {
        database: Schema(
            indexes, await source.fetch(Constraint, CONSTRAINTS, database=database)
        )
        for database, indexes in (await read_indexes(source)).items()
    }


def samples(schemas: dict[str, Schema], _state: None) -> Iterator[Sample]:
    """Count, and name what is to be mended."""
    for database, schema in schemas.items():
        counts = Counter((row.kind.lower(), _state_of(row)) for row in schema.indexes)
        for kind in sorted({kind for kind, _ in counts}):
            for state in _STATES:
                yield COUNT(counts[kind, state], database, kind, state)
        kinds = Counter(_kind_of(row) for row in schema.constraints)
        for kind, count in kinds.items():
            yield CONSTRAINED(count, database, kind)
        for name, other in list(twins(schema.indexes).items())[:_MOST]:
            yield TWIN(1, database, name, other)
        failed = [row for row in schema.indexes if row.state == "FAILED"]
        for row in failed[:_MOST]:
            yield FAILURE(1, database, row.name, reason(row.why))
        unused = {row.name: row.unused for row in schema.indexes}
        longest = sorted(unused, key=lambda name: -(unused[name] or 0))
        for name in longest[:_MOST]:
            yield UNUSED(unused[name], database, name)


def _state_of(row: Index) -> str:
    state = row.state.lower().replace(" ", "_")
    return state if state in _STATES else "other"


def _kind_of(row: Constraint) -> str:
    kind = row.kind.lower()
    kind = _RENAMED.get(kind, kind)
    return kind if kind in _CONSTRAINTS else "other"


def evidence(schemas: dict[str, Schema]) -> Iterator[Evidence]:
    """Show what failed in the server's words, and what may go."""
    rows = [(name, row) for name, schema in schemas.items() for row in schema.indexes]
    failed = tuple(
        (name, row.name, _label(row), joined(row.properties), *_why(row))
        for name, row in rows
        if row.state == "FAILED"
    )
    columns = ("database", "index", "label", "properties")
    yield Evidence(
        ("neo4j_index_failed",),
        "Indexes that failed",
        (*columns, "reason", "message", "statement"),
        failed,
    )
    twin = {name: twins(schema.indexes) for name, schema in schemas.items()}
    superfluous = tuple(
        (name, row.name, _label(row), joined(row.properties), *found)
        for name, row in rows
        if (found := (twin[name].get(row.name), row.unused, _drop(row.name)))[0]
        or (row.unused or 0) > LONG_UNUSED
    )
    yield Evidence(
        ("neo4j_index_twins", "neo4j_index_unused"),
        "Indexes that may go, once they are known to serve nobody",
        (*columns, "twin", "unused_seconds", "statement"),
        superfluous,
    )


def _label(row: Index) -> str:
    return joined(row.labels)


def _why(row: Index) -> tuple[str, str, str]:
    line = redacted((row.why or "").partition("\n")[0])
    return reason(row.why), line[:_LONGEST], _drop(row.name)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Name the indexes that another one makes superfluous, and what is not told."""
    findings = [
        Finding(f"index {name} is on the same properties as {other}", _drop(name))
        for schema in (await read(source)).values()
        for name, other in twins(schema.indexes).items()
    ]
    if "tracked_since" in INDEXES.lacking(await source.columns(INDEXES.command)):
        findings.append(Finding("which indexes are unused", "Neo4j 5.8 or later"))
    return findings


def _drop(name: str) -> str:
    return f"DROP INDEX `{name}`"


COLLECTOR = Collector(
    name="schema",
    source=SourceKind.NEO4J,
    metrics=(COUNT, CONSTRAINED, TWIN, FAILURE, UNUSED),
    read=read,
    samples=samples,
    state=stateless,
    privilege="any user on Community; SHOW INDEX and SHOW CONSTRAINT ON DATABASE on "
    "Enterprise",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
    evidence=evidence,
)
