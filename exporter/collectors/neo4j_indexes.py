"""State, population and use of each index, and whether the expected ones are there.

neo4j_index_state{database="neo4j",index="by_user",label="User",properties="id",
    kind="range",state="online"} 1
neo4j_index_population_ratio{database="neo4j",index="by_user",…,kind="range"} 1.0
neo4j_index_reads_total{database="neo4j",index="by_user",…,kind="range"} 1042
neo4j_index_last_read_timestamp_seconds{database="neo4j",index="by_user",…} 1.7e+09
neo4j_index_tracked_since_timestamp_seconds{…} 1.7e+09
neo4j_index_info{database="neo4j",index="by_user",entity="node",
    provider="range-1.0",constraint=""} 1
neo4j_index_expected{label="User",properties="id",status="present"} 1

The 100 most read indexes of a database have series of their own, and before them those
that are not online; the rest is summed as `other`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from exporter.collector import Collector, Finding, SourceKind
from exporter.collectors._neo4j_advice import create
from exporter.collectors._neo4j_index import (
    INDEXES,
    LABELS,
    STANDINGS,
    Expected,
    Index,
    expected,
    joined,
    read_indexes,
)
from exporter.evidence import Evidence
from exporter.metrics import counter, gauge
from exporter.state import StickyTop, difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

_MOST = 100
_LONGEST = 120
_STATES = ("online", "populating", "failed", "not_found", "other")
_OTHER = ("other", "", "", "")
_SERVE_YET = ("unused", "duplicate")
_FIXES = {
    "not_online": "wait: it is populating",
    "unused": "EXPLAIN the queries that it is for; if there are none, drop it",
    "duplicate": "drop the one of the two that is read less",
}

STATE = gauge(
    "neo4j_index_state",
    "state of SHOW INDEXES: 1 for the state the index is in, else 0; `other` counts.",
    *LABELS,
    "state",
)
POPULATION = gauge(
    "neo4j_index_population_ratio",
    "populationPercent of SHOW INDEXES: from 0 to 1.",
    *LABELS,
)
READS = counter(
    "neo4j_index_reads_total",
    "readCount of SHOW INDEXES (5.8 and later): seeks and scans, not queries. The "
    "server adds them up every 10 s.",
    *LABELS,
)
LAST_READ = gauge(
    "neo4j_index_last_read_timestamp_seconds",
    "lastRead of SHOW INDEXES (5.8 and later): Unix time in seconds; absent if never.",
    *LABELS,
)
TRACKED = gauge(
    "neo4j_index_tracked_since_timestamp_seconds",
    "trackedSince of SHOW INDEXES (5.8 and later): Unix time in seconds since when "
    "reads are counted.",
    *LABELS,
)
INFO = gauge(
    "neo4j_index_info",
    "entityType, indexProvider and owningConstraint of SHOW INDEXES; always 1.",
    *("database", "index", "entity", "provider", "constraint"),
)
EXPECTED = gauge(
    "neo4j_index_expected",
    "Indexes of the configured set in the first of the databases: 1 for a status that "
    "holds, else 0. A range index on exactly these properties counts, whatever its "
    "name; `not_online` is populating. One that is there may also be `unused`, for 30 "
    "days (5.8 and later), or `duplicate`, with another on the same properties.",
    *("label", "properties", "status"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The indexes by database, and the (label, properties) that are expected."""

    databases: dict[str, list[Index]]
    expected: Sequence[tuple[str, tuple[str, ...]]] = ()


@dataclass(slots=True)
class Memory:
    """A database's members of the top, its reads so far, and the others' sum."""

    top: StickyTop[str] = field(default_factory=StickyTop)
    reads: dict[str, int] | None = None
    others: float = 0.0


async def read(source: Neo4jSource) -> Reading:
    """Read the indexes of the configured databases."""
    wanted = [(one.label, one.properties) for one in source.config.expected_indexes]
    return Reading(await read_indexes(source), wanted)


def samples(reading: Reading, state: dict[str, Memory]) -> Iterator[Sample]:
    """Turn rows into samples; columns that the version lacks are absent."""
    for database, rows in reading.databases.items():
        memory = state.setdefault(database, Memory())
        members = _members(rows, memory)
        for row in rows:
            if row.name in members:
                yield from _one(database, row)
        others = [row for row in rows if row.name not in members]
        if others:
            yield from _summed(database, others, memory)
    for label, properties, holds in _expected(reading):
        for known in STANDINGS:
            yield EXPECTED(int(known in holds), label, joined(properties), known)


def _members(rows: Sequence[Index], memory: Memory) -> set[str]:
    """Renew the top, and add what was read outside of it to the others' sum."""
    before = set(memory.top.members)
    scores = {row.name: _score(row) for row in rows}
    members = memory.top.update(scores, _MOST)
    counted = {row.name: row.reads for row in rows if row.reads is not None}
    if memory.reads is not None:
        for name, reads in counted.items():
            if name not in before or name not in members:
                old = memory.reads.get(name)
                (change,) = difference([reads], None if old is None else [old])
                memory.others += change
    memory.reads = counted
    return members


def _score(row: Index) -> float:
    return 1 + (row.reads or 0) if row.state == "ONLINE" else inf


def _one(database: str, row: Index) -> Iterator[Sample]:
    labels = (
        database,
        row.name,
        joined(row.labels),
        joined(row.properties),
        row.kind.lower(),
    )
    for known in _STATES:
        yield STATE(int(_state(row) == known), *labels, known)
    if row.percent is not None:
        yield POPULATION(row.percent / 100, *labels)
    yield READS(row.reads, *labels)
    yield LAST_READ(row.last_read, *labels)
    yield TRACKED(row.tracked_since, *labels)
    yield INFO(1, database, row.name, row.entity.lower(), row.provider, row.owner)


def _summed(database: str, rows: Sequence[Index], memory: Memory) -> Iterator[Sample]:
    found = Counter(_state(row) for row in rows)
    for known in _STATES:
        yield STATE(found[known], database, *_OTHER, known)
    if memory.reads:
        yield READS(memory.others, database, *_OTHER)


def _state(row: Index) -> str:
    state = row.state.lower().replace(" ", "_")
    return state if state in _STATES else "other"


def _expected(reading: Reading) -> Iterator[Expected]:
    rows = next(iter(reading.databases.values()), [])
    return expected(reading.expected, rows)


def _fix(label: str, properties: tuple[str, ...], status: str) -> str:
    if status in _FIXES:
        return _FIXES[status]
    drop = "DROP INDEX, by its name, and " if status == "failed" else ""
    return drop + create(label, properties)


def _amiss(reading: Reading) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for label, properties, holds in _expected(reading):
        for status in holds:
            if status != "present":
                yield label, properties, status


def evidence(reading: Reading) -> Iterator[Evidence]:
    """Show which expected indexes are missing, and the statement that makes each."""
    rows = tuple(
        (label, joined(properties), status, _fix(label, properties, status))
        for label, properties, status in _amiss(reading)
        if status not in _SERVE_YET
    )
    columns = ("label", "properties", "status", "statement")
    title = "Expected indexes that are missing or not online"
    kpis = ("neo4j_index_missing", "neo4j_index_not_online")
    yield Evidence(kpis, title, columns, rows)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Name indexes that are missing or failed, and what the version lacks."""
    reading = await read(source)
    findings = [
        Finding(
            f"expected index {label}({joined(properties)}) is {status}",
            _fix(label, properties, status),
        )
        for label, properties, status in _amiss(reading)
    ]
    for row in itertools.chain.from_iterable(reading.databases.values()):
        if row.state == "FAILED":
            why = (row.why or "no message").partition("\n")[0][:_LONGEST]
            findings.append(
                Finding(f"index {row.name} failed: {why}", f"DROP INDEX `{row.name}`")
            )
    if "reads" in INDEXES.lacking(await source.columns(INDEXES.command)):
        findings.append(Finding("reads per index", "Neo4j 5.8 or later"))
    return findings


COLLECTOR = Collector(
    name="indexes",
    source=SourceKind.NEO4J,
    metrics=(STATE, POPULATION, READS, LAST_READ, TRACKED, INFO, EXPECTED),
    read=read,
    samples=samples,
    state=dict[str, Memory],
    privilege="any user on Community; SHOW INDEX ON DATABASE on Enterprise",
    inspect=inspect,
    evidence=evidence,
)
