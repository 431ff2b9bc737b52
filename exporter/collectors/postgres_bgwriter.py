"""Checkpoints and who writes dirty blocks, from pg_stat_bgwriter and what it became.

pg_stat_bgwriter_checkpoints_timed_total 812
pg_stat_bgwriter_checkpoints_req_total 3
pg_stat_bgwriter_buffers_backend_total 51234
pg_stat_checkpointer_restartpoints_done_total 0

Up to 16 one view has it all. 17 moved checkpoints to pg_stat_checkpointer, and what
backends write is in pg_stat_io alone; the peers' names of both views stay filled on all
versions, so that rules and dashboards for either go on. Backends are all but
checkpointer and background writer there, as they were before; written blocks include
those by which a table grew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_BEFORE_17 = """
select checkpoints_timed, checkpoints_req, checkpoint_write_time,
    checkpoint_sync_time, buffers_checkpoint, buffers_clean, maxwritten_clean,
    buffers_backend, buffers_backend_fsync, buffers_alloc,
    extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_bgwriter
"""
_SINCE_17 = """
select c.num_timed as checkpoints_timed, c.num_requested as checkpoints_req,
    c.write_time as checkpoint_write_time, c.sync_time as checkpoint_sync_time,
    c.buffers_written as buffers_checkpoint, b.buffers_clean, b.maxwritten_clean,
    i.buffers_backend, i.buffers_backend_fsync, b.buffers_alloc,
    extract(epoch from b.stats_reset)::float8 as stats_reset,
    c.restartpoints_timed, c.restartpoints_req, c.restartpoints_done,
    extract(epoch from c.stats_reset)::float8 as checkpointer_stats_reset
from pg_stat_bgwriter b, pg_stat_checkpointer c, (
    select sum({written})::bigint as buffers_backend,
        sum(fsyncs)::bigint as buffers_backend_fsync
    from pg_stat_io where object = 'relation'
        and backend_type not in ('checkpointer', 'background writer')
) i
"""
_BLOCKS = "coalesce(writes, 0) + coalesce(extends, 0)"
_BYTES = (
    "(coalesce(write_bytes, 0) + coalesce(extend_bytes, 0))"
    " / current_setting('block_size')::bigint"
)
QUERIES = {
    130000: _BEFORE_17,
    170000: _SINCE_17.format(written=_BLOCKS),
    180000: _SINCE_17.format(written=_BYTES),
}

_BGWRITER = {
    "checkpoints_timed": "checkpoints that were due by time",
    "checkpoints_req": "checkpoints that were asked for, by WAL or by somebody",
    "checkpoint_write_time": "milliseconds that checkpoints spent writing",
    "checkpoint_sync_time": "milliseconds that checkpoints spent syncing",
    "buffers_checkpoint": "blocks written by checkpoints",
    "buffers_clean": "blocks written by the background writer",
    "maxwritten_clean": "rounds of the background writer cut by its own limit",
    "buffers_backend": "blocks written by backends (17 and later: pg_stat_io)",
    "buffers_backend_fsync": "fsyncs by backends (17 and later: pg_stat_io)",
    "buffers_alloc": "blocks for which a buffer was taken",
    "stats_reset": "Unix time in seconds at which these figures began",
}
_CHECKPOINTER = {
    "checkpoints_timed": ("num_timed", "checkpoints that were due by time"),
    "checkpoints_req": ("num_requested", "checkpoints that were asked for"),
    "restartpoints_timed": ("restartpoints_timed", "restartpoints due by time"),
    "restartpoints_req": ("restartpoints_req", "restartpoints asked for"),
    "restartpoints_done": ("restartpoints_done", "restartpoints carried out"),
    "checkpoint_write_time": ("write_time", "milliseconds spent writing"),
    "checkpoint_sync_time": ("sync_time", "milliseconds spent syncing"),
    "buffers_checkpoint": ("buffers_written", "blocks written"),
    "checkpointer_stats_reset": (
        "stats_reset",
        "Unix time in seconds at which these figures began",
    ),
}
BGWRITER = {
    column: counter(
        f"pg_stat_bgwriter_{column}_total", f"pg_stat_bgwriter.{column}: {text}."
    )
    for column, text in _BGWRITER.items()
}
CHECKPOINTER = {
    column: counter(
        f"pg_stat_checkpointer_{name}_total",
        f"pg_stat_checkpointer.{name}: {text}; from 17 on.",
    )
    for column, (name, text) in _CHECKPOINTER.items()
}


@dataclass(frozen=True, slots=True)
class Writers:
    """The one row of the view, or of the views that it became."""

    checkpoints_timed: int | None
    checkpoints_req: int | None
    checkpoint_write_time: float | None
    checkpoint_sync_time: float | None
    buffers_checkpoint: int | None
    buffers_clean: int | None
    maxwritten_clean: int | None
    buffers_backend: int | None
    buffers_backend_fsync: int | None
    buffers_alloc: int | None
    stats_reset: float | None
    restartpoints_timed: int | None = None
    restartpoints_req: int | None = None
    restartpoints_done: int | None = None
    checkpointer_stats_reset: float | None = None


async def read(source: PostgresSource) -> list[Writers]:
    """Read the row."""
    return await source.fetch(Writers, source.of_version(QUERIES))


def samples(rows: list[Writers], _: None) -> Iterator[Sample]:
    """Write each figure under the name of the old view and of the new one."""
    for row in rows:
        for column, metric in BGWRITER.items():
            yield metric(getattr(row, column))
        if row.restartpoints_done is not None:
            for column, metric in CHECKPOINTER.items():
                yield metric(getattr(row, column))


COLLECTOR = Collector(
    name="bgwriter",
    source=SourceKind.POSTGRES,
    metrics=(*BGWRITER.values(), *CHECKPOINTER.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
)
