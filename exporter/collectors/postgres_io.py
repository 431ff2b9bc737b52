"""Who reads and writes what, and how long it takes, from pg_stat_io (16 and later).

pg_stat_io_read_bytes_total{backend_type="client backend",object="relation",
  context="normal"} 8.388608e+08
pg_stat_io_read_seconds_total{…} 12.5
pg_stat_io_hits_total{…} 512345
pg_stat_io_fsyncs_total{…} 3

The view has a row for each kind of process, object and context, most of which never do
anything: a row that is all 0 has no series, and gets them with its first operation.
Seconds are counted if track_io_timing is on. From 18 on the object `wal` is among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import settings_off
from exporter.metrics import counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_VIEW = """
select backend_type, object, context, reads, {read} as read_bytes,
    read_time / 1000 as read_seconds, writes, {write} as write_bytes,
    write_time / 1000 as write_seconds, extends, {extend} as extend_bytes,
    extend_time / 1000 as extend_seconds, writebacks,
    writeback_time / 1000 as writeback_seconds, hits, evictions, reuses, fsyncs,
    fsync_time / 1000 as fsync_seconds
from pg_stat_io
where coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0)
    + coalesce(hits, 0) + coalesce(writebacks, 0) + coalesce(fsyncs, 0)
    + coalesce(evictions, 0) + coalesce(reuses, 0) > 0
"""
QUERIES = {
    160000: _VIEW.format(
        read="reads * op_bytes", write="writes * op_bytes", extend="extends * op_bytes"
    ),
    180000: _VIEW.format(read="read_bytes", write="write_bytes", extend="extend_bytes"),
}
_OLDEST = min(QUERIES)

_COLUMNS = {
    "reads": "reads",
    "read_bytes": "bytes read",
    "read_seconds": "seconds spent reading",
    "writes": "writes",
    "write_bytes": "bytes written",
    "write_seconds": "seconds spent writing",
    "extends": "extensions of a relation",
    "extend_bytes": "bytes by which relations were extended",
    "extend_seconds": "seconds spent extending",
    "writebacks": "blocks that the kernel was asked to write back",
    "writeback_seconds": "seconds spent asking for it",
    "hits": "blocks found in shared buffers",
    "evictions": "blocks that had to leave a buffer",
    "reuses": "buffers of a ring that were used again",
    "fsyncs": "fsyncs",
    "fsync_seconds": "seconds spent in fsync",
}
METRICS = {
    column: counter(
        f"pg_stat_io_{column}_total",
        f"{text.capitalize()}, from pg_stat_io; from 16 on.",
        *("backend_type", "object", "context"),
    )
    for column, text in _COLUMNS.items()
}


@dataclass(frozen=True, slots=True)
class Work:
    """A row of the view that did something; what does not apply to it is NULL."""

    backend_type: str
    object: str
    context: str
    reads: int | None
    read_bytes: float | None
    read_seconds: float | None
    writes: int | None
    write_bytes: float | None
    write_seconds: float | None
    extends: int | None
    extend_bytes: float | None
    extend_seconds: float | None
    writebacks: int | None
    writeback_seconds: float | None
    hits: int | None
    evictions: int | None
    reuses: int | None
    fsyncs: int | None
    fsync_seconds: float | None


async def read(source: PostgresSource) -> list[Work]:
    """Read the rows, from versions that have them."""
    if source.version < _OLDEST:
        return []
    return await source.fetch(Work, source.of_version(QUERIES))


def samples(rows: list[Work], _: None) -> Iterator[Sample]:
    """Turn each row's columns into samples."""
    for row in rows:
        labels = (row.backend_type, row.object, row.context)
        for column, metric in METRICS.items():
            yield metric(getattr(row, column), *labels)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that times are not measured."""
    if source.version < _OLDEST:
        return []
    return await settings_off(
        source, {"track_io_timing": "the seconds of reads and writes stay at 0"}
    )


COLLECTOR = Collector(
    name="io",
    source=SourceKind.POSTGRES,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
    inspect=inspect,
)
