"""How much WAL is made, and of what, from pg_stat_wal (14 and later).

pg_stat_wal_bytes_total 5.0331648e+09
pg_stat_wal_fpi_total 81234
pg_stat_wal_buffers_full_total 12
pg_stat_wal_write_seconds_total 3.5

From 18 on, writes and syncs are counted in pg_stat_io instead, and are absent here.
The position in the WAL, which all versions have, is with the collector `replication`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import refusals
from exporter.metrics import counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_VIEW = "select wal_records, wal_fpi, wal_bytes, wal_buffers_full{} from pg_stat_wal"
_WRITES = (
    ", wal_write, wal_sync, wal_write_time / 1000 as wal_write_time,"
    " wal_sync_time / 1000 as wal_sync_time"
)
QUERIES = {140000: _VIEW.format(_WRITES), 180000: _VIEW.format("")}
_OLDEST = min(QUERIES)
FUNCTION = "pg_stat_get_wal()"
"""What Aurora refuses."""

_COLUMNS = {
    "wal_records": ("records", "records"),
    "wal_fpi": ("fpi", "full page images"),
    "wal_bytes": ("bytes", "bytes"),
    "wal_buffers_full": (
        "buffers_full",
        "writes that were due because wal_buffers were full",
    ),
    "wal_write": ("writes", "writes to disk; up to 17"),
    "wal_sync": ("syncs", "syncs; up to 17"),
    "wal_write_time": (
        "write_seconds",
        "seconds spent writing, if track_wal_io_timing is on; up to 17",
    ),
    "wal_sync_time": (
        "sync_seconds",
        "seconds spent syncing, if track_wal_io_timing is on; up to 17",
    ),
}
METRICS = {
    column: counter(f"pg_stat_wal_{name}_total", f"pg_stat_wal.{column}: {text}.")
    for column, (name, text) in _COLUMNS.items()
}


@dataclass(frozen=True, slots=True)
class Wal:
    """The one row; times in seconds."""

    wal_records: int | None
    wal_fpi: int | None
    wal_bytes: float | None
    wal_buffers_full: int | None
    wal_write: int | None = None
    wal_sync: int | None = None
    wal_write_time: float | None = None
    wal_sync_time: float | None = None


async def read(source: PostgresSource) -> list[Wal]:
    """Read the row, from servers that have it."""
    if source.version < _OLDEST or await source.offered.refusal(source, FUNCTION):
        return []
    return await source.fetch(Wal, source.of_version(QUERIES))


def samples(rows: list[Wal], _: None) -> Iterator[Sample]:
    """Turn the row's columns into samples."""
    for row in rows:
        for column, metric in METRICS.items():
            yield metric(getattr(row, column))


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that the server refuses to tell."""
    if source.version < _OLDEST:
        return []
    return await refusals(source, (FUNCTION,), "what is written as WAL")


COLLECTOR = Collector(
    name="wal",
    source=SourceKind.POSTGRES,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
    inspect=inspect,
)
