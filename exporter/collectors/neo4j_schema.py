"""How many indexes and constraints there are, which are superfluous, and why some fail.

neo4j_indexes{database="neo4j",kind="range",state="online"} 12
neo4j_constraints{database="neo4j",kind="uniqueness"} 3
neo4j_index_twin{database="neo4j",index="b_a",twin="a_b"} 1
neo4j_index_failure{database="neo4j",index="big",reason="value_too_large"} 1

Read every minute. At most 100 twins and 100 failures of a database are named.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind, stateless
from exporter.collectors._neo4j_index import Covers, reason, twins
from exporter.metrics import gauge
from exporter.sources.neo4j_show import Show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

INDEXES = Show(
    "SHOW INDEXES",
    {
        "name": "name",
        "state": "state",
        "kind": "type",
        "entity": "entityType",
        "labels": "labelsOrTypes",
        "properties": "properties",
        "why": "failureMessage",
    },
)
CONSTRAINTS = """
SHOW CONSTRAINTS YIELD type, entityType RETURN type AS kind, entityType AS entity"""

_INTERVAL = 60.0
_MOST = 100
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


@dataclass(frozen=True, slots=True)
class Index:
    """What an index is on, its state and, if it failed, the server's message."""

    name: str
    state: str
    kind: str
    entity: str
    labels: list[str] | None
    properties: list[str] | None
    why: str | None


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
            await source.show(Index, INDEXES, database=database),
            await source.fetch(Constraint, CONSTRAINTS, database=database),
        )
        for database in source.config.databases
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
        for name, other in list(_twins(schema.indexes).items())[:_MOST]:
            yield TWIN(1, database, name, other)
        failed = [row for row in schema.indexes if row.state == "FAILED"]
        for row in failed[:_MOST]:
            yield FAILURE(1, database, row.name, reason(row.why))


def _twins(indexes: Sequence[Index]) -> dict[str, str]:
    return twins(
        Covers(one.name, one.kind, one.entity, one.labels, one.properties)
        for one in indexes
    )


def _state_of(row: Index) -> str:
    state = row.state.lower().replace(" ", "_")
    return state if state in _STATES else "other"


def _kind_of(row: Constraint) -> str:
    kind = row.kind.lower()
    kind = _RENAMED.get(kind, kind)
    return kind if kind in _CONSTRAINTS else "other"


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Name the indexes that another one makes superfluous."""
    return [
        Finding(f"index {name} is on the same properties as {other}", _drop(name))
        for schema in (await read(source)).values()
        for name, other in _twins(schema.indexes).items()
    ]


def _drop(name: str) -> str:
    return f"DROP INDEX `{name}`"


COLLECTOR = Collector(
    name="schema",
    source=SourceKind.NEO4J,
    metrics=(COUNT, CONSTRAINED, TWIN, FAILURE),
    read=read,
    samples=samples,
    state=stateless,
    privilege="any user on Community; SHOW INDEX and SHOW CONSTRAINT ON DATABASE on "
    "Enterprise",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
)
