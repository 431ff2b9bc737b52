"""What each database did, from pg_stat_database.

pg_stat_database_xact_commit{datid="16384",datname="orders"} 51234
pg_stat_database_numbackends{datid="16384",datname="orders"} 12
pg_stat_database_blk_read_time{datid="16384",datname="orders"} 183.4
pg_stat_database_active_time_seconds_total{datid="16384",datname="orders"} 812.5

The row of shared objects (datid 0), which belongs to no database, is left out. A column
that is NULL, as `stats_reset` may be, leaves out only its own sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import Names, keeps, settings_off
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_COLUMNS = """
    datid, datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit,
    tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted, conflicts,
    temp_files, temp_bytes, deadlocks, blk_read_time, blk_write_time,
    checksum_failures as checksum_failures_total,
    extract(epoch from stats_reset)::float8 as stats_reset
"""
_SINCE_14 = """, active_time / 1000 as active_time_seconds_total,
    sessions as sessions_total, sessions_abandoned as sessions_abandoned_total,
    sessions_fatal as sessions_fatal_total, sessions_killed as sessions_killed_total
"""
_FROM = "from pg_stat_database where datname is not null"
QUERIES = {
    130000: f"select {_COLUMNS} {_FROM}",
    140000: f"select {_COLUMNS} {_SINCE_14} {_FROM}",
}

_LABELS = ("datid", "datname")
_COUNTERS = {
    "xact_commit": "transactions committed",
    "xact_rollback": "transactions rolled back",
    "blks_read": "blocks read from outside shared buffers",
    "blks_hit": "blocks found in shared buffers",
    "tup_returned": "rows scanned",
    "tup_fetched": "rows fetched by index scans",
    "tup_inserted": "rows inserted",
    "tup_updated": "rows updated",
    "tup_deleted": "rows deleted",
    "conflicts": "queries cancelled by recovery, on standbys only",
    "temp_files": "temporary files made by queries",
    "temp_bytes": "bytes written to temporary files",
    "deadlocks": "deadlocks",
    "blk_read_time": "milliseconds spent reading blocks, if track_io_timing is on",
    "blk_write_time": "milliseconds spent writing blocks, if track_io_timing is on",
    "stats_reset": "Unix time in seconds at which these figures began",
    "checksum_failures_total": "blocks that did not match their checksum; absent "
    "without data checksums",
    "sessions_total": "sessions begun; from 14 on",
    "sessions_abandoned_total": "sessions whose client was gone; from 14 on",
    "sessions_fatal_total": "sessions ended by an error; from 14 on",
    "sessions_killed_total": "sessions ended by somebody; from 14 on",
    "active_time_seconds_total": "seconds that sessions ran statements; from 14 on",
}
METRICS = {
    "numbackends": gauge(
        "pg_stat_database_numbackends",
        "numbackends of pg_stat_database: sessions connected.",
        *_LABELS,
    )
} | {
    column: counter(
        f"pg_stat_database_{column}",
        f"{column.removesuffix('_seconds_total')} of pg_stat_database: {meaning}.",
        *_LABELS,
    )
    for column, meaning in _COUNTERS.items()
}


@dataclass(frozen=True, slots=True)
class Database:
    """A row of pg_stat_database; times in milliseconds unless their name says so."""

    datid: int
    datname: str
    numbackends: int | None
    xact_commit: int | None
    xact_rollback: int | None
    blks_read: int | None
    blks_hit: int | None
    tup_returned: int | None
    tup_fetched: int | None
    tup_inserted: int | None
    tup_updated: int | None
    tup_deleted: int | None
    conflicts: int | None
    temp_files: int | None
    temp_bytes: int | None
    deadlocks: int | None
    blk_read_time: float | None
    blk_write_time: float | None
    stats_reset: float | None
    checksum_failures_total: int | None = None
    active_time_seconds_total: float | None = None
    sessions_total: int | None = None
    sessions_abandoned_total: int | None = None
    sessions_fatal_total: int | None = None
    sessions_killed_total: int | None = None


class Rows(NamedTuple):
    """What was read, and which databases the target keeps."""

    found: list[Database]
    databases: Names


async def read(source: PostgresSource) -> Rows:
    """Read the rows of all databases."""
    query = source.of_version(QUERIES)
    return Rows(await source.fetch(Database, query), source.config.databases)


def samples(rows: Rows, _: None) -> Iterator[Sample]:
    """Turn each database's columns into samples."""
    for row in rows.found:
        if keeps(rows.databases, row.datname):
            for column, metric in METRICS.items():
                yield metric(getattr(row, column), str(row.datid), row.datname)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find settings without which figures stay at 0."""
    return await settings_off(
        source,
        {
            "track_counts": "figures of rows and blocks stay at 0",
            "track_io_timing": "blk_read_time and blk_write_time stay at 0",
            "track_activities": "the time that sessions are active stays at 0",
        },
    )


COLLECTOR = Collector(
    name="stat_database",
    source=SourceKind.POSTGRES,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
    inspect=inspect,
)
