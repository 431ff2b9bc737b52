"""How far running VACUUM and ANALYZE are, from the views of their progress.

pg_stat_progress_vacuum_phase{datname="orders",relname="item",phase="scanning heap"} 1
pg_stat_progress_vacuum_heap_blks_scanned{datname="orders",relname="item"} 5120
pg_stat_progress_analyze_blks_scanned{datname="orders",relname="item"} 300

A table of another database than that of the dsn is called by its number there. Tables
that share a name in two schemas are one series, with the larger figures. From 17 on,
memory for dead rows is counted in bytes, and `max_dead_tuples` is absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import Names, hidden_statistics, keeps
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_VACUUM = """
select p.datname, coalesce(c.relname, p.relid::text) as relname, max(p.phase) as phase,
    max(p.heap_blks_total) as heap_blks, max(p.heap_blks_scanned) as heap_blks_scanned,
    max(p.heap_blks_vacuumed) as heap_blks_vacuumed,
    max(p.index_vacuum_count) as index_vacuums, {dead}
from pg_stat_progress_vacuum p
    left join pg_class c on c.oid = p.relid and p.datname = current_database()
where p.phase is not null group by 1, 2
"""
QUERIES = {
    130000: _VACUUM.format(
        dead="max(p.max_dead_tuples) as max_dead_tuples,"
        " max(p.num_dead_tuples) as num_dead_tuples"
    ),
    170000: _VACUUM.format(
        dead="max(p.num_dead_item_ids) as num_dead_tuples,"
        " max(p.max_dead_tuple_bytes) as max_dead_tuple_bytes,"
        " max(p.dead_tuple_bytes) as dead_tuple_bytes"
    ),
}
_ANALYZE = """
select p.datname, coalesce(c.relname, p.relid::text) as relname,
    max(p.sample_blks_total) as blks, max(p.sample_blks_scanned) as scanned
from pg_stat_progress_analyze p
    left join pg_class c on c.oid = p.relid and p.datname = current_database()
where p.phase is not null group by 1, 2
"""
_ANYTHING = """
select exists (select from pg_stat_get_progress_info('VACUUM')) as vacuum,
    exists (select from pg_stat_get_progress_info('ANALYZE')) as analyze
"""
PHASES = (
    *("initializing", "scanning heap", "vacuuming indexes", "vacuuming heap"),
    *("cleaning up indexes", "truncating heap", "performing final cleanup"),
)

_LABELS = ("datname", "relname")
_TEXTS = {
    "heap_blks": "blocks of the table",
    "heap_blks_scanned": "blocks scanned",
    "heap_blks_vacuumed": "blocks vacuumed",
    "index_vacuums": "times that the indexes were gone through",
    "max_dead_tuples": "dead rows that memory has room for; up to 16",
    "num_dead_tuples": "dead rows collected since the indexes were gone through",
    "max_dead_tuple_bytes": "bytes of memory for dead rows; from 17 on",
    "dead_tuple_bytes": "bytes of dead rows collected; from 17 on",
}
PHASE = gauge(
    "pg_stat_progress_vacuum_phase",
    "phase of pg_stat_progress_vacuum: 1 for the one that it is in, else 0.",
    *_LABELS,
    "phase",
)
VACUUM = {
    column: gauge(
        f"pg_stat_progress_vacuum_{column}",
        f"{text[0].upper()}{text[1:]}, from pg_stat_progress_vacuum.",
        *_LABELS,
    )
    for column, text in _TEXTS.items()
}
BLOCKS = gauge(
    "pg_stat_progress_analyze_blks",
    "sample_blks_total of pg_stat_progress_analyze: blocks to be read.",
    *_LABELS,
)
SCANNED = gauge(
    "pg_stat_progress_analyze_blks_scanned",
    "sample_blks_scanned of pg_stat_progress_analyze: blocks read.",
    *_LABELS,
)


@dataclass(frozen=True, slots=True)
class Vacuum:
    """A running VACUUM."""

    datname: str
    relname: str
    phase: str
    heap_blks: int | None
    heap_blks_scanned: int | None
    heap_blks_vacuumed: int | None
    index_vacuums: int | None
    num_dead_tuples: int | None
    max_dead_tuples: int | None = None
    max_dead_tuple_bytes: int | None = None
    dead_tuple_bytes: int | None = None


class Analyze(NamedTuple):
    """A running ANALYZE."""

    datname: str
    relname: str
    blks: int | None
    scanned: int | None


class Rows(NamedTuple):
    """What was read, and which databases the target keeps."""

    vacuums: list[Vacuum]
    analyzes: list[Analyze]
    databases: Names


class _Anything(NamedTuple):
    vacuum: bool
    analyze: bool


async def read(source: PostgresSource) -> Rows:
    """Read what runs now, if anything does."""
    (running,) = await source.fetch(_Anything, _ANYTHING)
    return Rows(
        await source.fetch(Vacuum, source.of_version(QUERIES))
        if running.vacuum
        else [],
        await source.fetch(Analyze, _ANALYZE) if running.analyze else [],
        source.config.databases,
    )


def samples(rows: Rows, _: None) -> Iterator[Sample]:
    """Turn what runs into samples; a phase that we do not know is a further one."""
    for row in rows.vacuums:
        if keeps(rows.databases, row.datname):
            for phase in dict.fromkeys((*PHASES, row.phase)):
                yield PHASE(int(phase == row.phase), row.datname, row.relname, phase)
            for column, metric in VACUUM.items():
                yield metric(getattr(row, column), row.datname, row.relname)
    for run in rows.analyzes:
        if keeps(rows.databases, run.datname):
            yield BLOCKS(run.blks, run.datname, run.relname)
            yield SCANNED(run.scanned, run.datname, run.relname)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that runs of other roles are hidden."""
    return await hidden_statistics(
        source, "progress of VACUUM and ANALYZE by other roles is hidden"
    )


COLLECTOR = Collector(
    name="progress",
    source=SourceKind.POSTGRES,
    metrics=(PHASE, *VACUUM.values(), BLOCKS, SCANNED),
    read=read,
    samples=samples,
    state=stateless,
    privilege="pg_monitor, else only our own role's runs are shown",
    inspect=inspect,
)
