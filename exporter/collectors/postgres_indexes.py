"""Indexes that are invalid, unused, superfluous or missing, of all databases.

pg_indexes{datname="orders",state="valid"} 412
pg_index_invalid{datname="orders",schemaname="public",relname="t",indexrelname="i"} 1
pg_index_unused_bytes{datname="orders",schemaname="public",…,indexrelname="i"} 8192
pg_index_unused_seconds{datname="orders",schemaname="public",…,indexrelname="i"} 86400
pg_index_standbys{datname="orders"} 0
pg_index_covered_bytes{datname="orders",…,indexrelname="i",by="j",kind="redundant"} 8192
pg_index_expected{relname="tasks",columns="status,priority desc",status="present"} 1
pg_index_wanted_rows_total{datname="orders",schemaname="public",relname="big"} 1e+09
pg_index_wanted_scans_total{datname="orders",schemaname="public",relname="big"} 1200

Of each kind the 50 largest of all databases have series, and of unused ones the rest is
`other`. From pg_index, pg_class, pg_stat_all_indexes and pg_stat_user_tables; nothing
waits for a table's lock. On a standby nothing is called unused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind
from exporter.collectors._postgres import unread_databases
from exporter.collectors._postgres_expected import (
    DEFINITIONS,
    MISSING,
    PRESENT,
    STATUSES,
    Definition,
    Expected,
    status,
)
from exporter.collectors._postgres_indexes import (
    INDEXES,
    SUMMARY,
    TABLES,
    Covered,
    Index,
    Summary,
    Table,
    covered,
)
from exporter.collectors._postgres_indexes_shown import create, tables
from exporter.metrics import counter, gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exporter.evidence import Evidence
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_REINDEX = "REINDEX INDEX CONCURRENTLY …; the evidence page names it"
_MOST = 50
_MOST_TABLES = 20
_OTHER = "other"
_INDEX = ("datname", "schemaname", "relname", "indexrelname")
_TABLE = ("datname", "schemaname", "relname")

INDEXES_COUNT = gauge(
    "pg_indexes",
    "Indexes of a database by state, from pg_index; `building` ones are in "
    "pg_stat_progress_create_index.",
    "datname",
    "state",
)
INVALID = gauge(
    "pg_index_invalid",
    "Indexes that are not used because pg_index has them as not valid, as a CREATE "
    "INDEX CONCURRENTLY leaves behind when it fails; always 1.",
    *_INDEX,
)
UNUSED = gauge(
    "pg_index_unused_bytes",
    "Size of indexes that have no scans in pg_stat_all_indexes and stand for no "
    "constraint.",
    *_INDEX,
)
UNUSED_FOR = gauge(
    "pg_index_unused_seconds",
    "For how long at least an index has not been scanned: since the reset of "
    "pg_stat_database, or since we first saw it. Absent while pg_stat_replication has "
    "standbys, which count their own scans.",
    *_INDEX,
)
STANDBYS = gauge(
    "pg_index_standbys",
    "Standbys in pg_stat_replication, which count their own scans: with any, an index "
    "that is unused here may be used there.",
    "datname",
)
COVERED = gauge(
    "pg_index_covered_bytes",
    "Size of indexes of pg_index that another index (`by`) of the table makes "
    "superfluous: a duplicate is the same, a redundant one its beginning.",
    *_INDEX,
    "by",
    "kind",
)
EXPECTED = gauge(
    "pg_index_expected",
    "Indexes of the configured set, from pg_index: 1 for the status that holds, else "
    "0. What serves as well counts, whatever its name.",
    "relname",
    "columns",
    "status",
)
WANTED_ROWS = counter(
    "pg_index_wanted_rows_total",
    "seq_tup_read of pg_stat_user_tables, of tables with 10,000 rows or more per scan.",
    *_TABLE,
)
WANTED_SCANS = counter(
    "pg_index_wanted_scans_total",
    "seq_scan of pg_stat_user_tables, of tables with 10,000 rows or more per scan.",
    *_TABLE,
)


class Found(NamedTuple):
    """What was read in one database."""

    indexes: list[Index]
    summary: Summary
    tables: list[Table]
    definitions: list[Definition]


class Rows(NamedTuple):
    """What was read by database, and which indexes must be there."""

    databases: dict[str, Found]
    expected: Sequence[Expected] = ()


@dataclass(slots=True)
class Memory:
    """Members of the tops, and since when unused indexes are known (Unix time)."""

    unused: StickyTop[tuple[str, int]] = field(default_factory=StickyTop)
    covered: StickyTop[tuple[str, int]] = field(default_factory=StickyTop)
    tables: StickyTop[tuple[str, str, str]] = field(default_factory=StickyTop)
    since: dict[tuple[str, int], float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)


async def read(source: PostgresSource) -> Rows:
    """Read what may be of interest in every database."""
    names = source.config.schemas
    schemas = ([*names.exclude], [*names.include], [*names.include])
    expected = source.config.expected_indexes
    wanted = list({one.table for one in expected})

    async def in_one(database: PostgresSource) -> Found:
        (summary,) = await database.fetch(Summary, SUMMARY, schemas)
        definitions: list[Definition] = []
        if wanted:
            definitions = await database.fetch(Definition, DEFINITIONS, (wanted,))
        return Found(
            await database.fetch(Index, INDEXES, schemas),
            summary,
            await database.fetch(Table, TABLES, schemas),
            definitions,
        )

    return Rows(await source.each(in_one), expected)


def samples(rows: Rows, state: Memory) -> Iterator[Sample]:
    """Count indexes by state, and name those that are worth a look."""
    invalid = 0
    for name, found in rows.databases.items():
        broken = [i for i in found.indexes if not i.valid and not i.building]
        building = sum(index.building for index in found.indexes)
        yield INDEXES_COUNT(found.summary.valid, name, "valid")
        yield INDEXES_COUNT(len(broken), name, "invalid")
        yield INDEXES_COUNT(building, name, "building")
        yield STANDBYS(found.summary.standbys, name)
        for index in broken[: _MOST - invalid]:
            yield INVALID(1, *_labels(name, index))
        invalid += min(len(broken), _MOST - invalid)
    yield from _unused(rows, state)
    yield from _covered(rows, state)
    yield from _wanted(rows, state)
    for one in rows.expected:
        held = _status(rows, one)
        for known in STATUSES:
            yield EXPECTED(int(known == held), one.table, ",".join(one.columns), known)


def _unused(rows: Rows, state: Memory) -> Iterator[Sample]:
    """Name the largest; an index that came after our first look counts from then."""
    unused: dict[tuple[str, int], tuple[Index, float]] = {}
    since: dict[tuple[str, int], float] = {}
    for name, found in rows.databases.items():
        now = found.summary.now
        first = name not in state.began
        state.began.setdefault(name, now)
        for index in found.indexes:
            if index.unused and not found.summary.standby:
                key = (name, index.oid)
                start = now - found.summary.counted if first else now
                since[key] = state.since.get(key, start)
                age = min(now - since[key], found.summary.counted)
                unused[key] = (index, max(0.0, age))
    state.since = since
    sizes = {key: float(index.bytes) for key, (index, _) in unused.items()}
    members = state.unused.update(sizes, _MOST)
    for key, (index, age) in unused.items():
        if key in members:
            yield UNUSED(index.bytes, *_labels(key[0], index))
            alone = not rows.databases[key[0]].summary.standbys
            yield UNUSED_FOR(age if alone else None, *_labels(key[0], index))
    others = unused.keys() - members
    if others:
        rest = sum(unused[key][0].bytes for key in others)
        yield UNUSED(rest, _OTHER, _OTHER, _OTHER, _OTHER)


def _covered(rows: Rows, state: Memory) -> Iterator[Sample]:
    found: dict[tuple[str, int], Covered] = {
        (name, one.which.oid): one
        for name, database in rows.databases.items()
        for one in covered(database.indexes)
    }
    sizes = {key: float(one.which.bytes) for key, one in found.items()}
    members = state.covered.update(sizes, _MOST)
    for key, (index, by, kind) in found.items():
        if key in members:
            yield COVERED(index.bytes, *_labels(key[0], index), by.indexrelname, kind)


def _wanted(rows: Rows, state: Memory) -> Iterator[Sample]:
    found = {
        (name, table.schemaname, table.relname): table
        for name, database in rows.databases.items()
        for table in database.tables
    }
    scores = {labels: float(table.rows) for labels, table in found.items()}
    for labels in state.tables.update(scores, _MOST_TABLES):
        yield WANTED_ROWS(found[labels].rows, *labels)
        yield WANTED_SCANS(found[labels].scans, *labels)


def _status(rows: Rows, wanted: Expected) -> str:
    every = (one for found in rows.databases.values() for one in found.definitions)
    return status(wanted, every)


def _labels(database: str, index: Index) -> tuple[str, str, str, str]:
    return database, index.schemaname, index.relname, index.indexrelname


def evidence(rows: Rows) -> Iterable[Evidence]:
    """Name indexes with the statement that mends each."""
    expected = [(one, _status(rows, one)) for one in rows.expected]
    found = {name: database.indexes for name, database in rows.databases.items()}
    return tables(found, [one for one in expected if one[1] != PRESENT])


async def inspect(source: PostgresSource) -> list[Finding]:
    """Name databases that are not read, and expected indexes that are not there."""
    rows = await read(source)
    found = unread_databases(source)
    for one in rows.expected:
        held = _status(rows, one)
        if held != PRESENT:
            index = f"{one.table}({', '.join(one.columns)})"
            fix = create(one) if held == MISSING else _REINDEX
            found.append(Finding(f"expected index {index} is {held}", fix))
    return found


COLLECTOR = Collector(
    name="indexes",
    source=SourceKind.POSTGRES,
    metrics=(
        *(INDEXES_COUNT, INVALID, UNUSED, UNUSED_FOR, STANDBYS, COVERED),
        *(EXPECTED, WANTED_ROWS, WANTED_SCANS),
    ),
    read=read,
    samples=samples,
    state=Memory,
    privilege="CONNECT to each database; pg_monitor, else an index that is being built "
    "looks invalid",
    cost=Cost.COSTLY,
    interval=60.0,
    inspect=inspect,
    evidence=evidence,
)
