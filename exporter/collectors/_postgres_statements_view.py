"""Reads the rows of pg_stat_statements, and says which series their columns become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collectors._postgres_moments import Counted
from exporter.collectors._postgres_rows import (
    CALLS,
    DATABASE,
    TIME,
    USER,
    packed,
    print_of,
)
from exporter.collectors._postgres_text import Answer
from exporter.metrics import counter
from exporter.sources.postgres_texts import texts_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource
    from exporter.sources.postgres_extension import Extension

_REST = """
    temp_blks_read, temp_blks_written, wal_bytes::int8, {jit},
    stddev_exec_time, min_exec_time, max_exec_time,
    coalesce(statements.print, kept.print, 0), {forgot}
from (
    select *, hashfloat8extended(total_exec_time, queryid # calls) as print
    from {{schema}}.pg_stat_statements(false)
    where %s::oid[] is null or dbid = any(%s)
) as statements full join unnest(%s::int8[]) as kept (print) using (print)
where statements.print is null or kept.print is null
"""
_OLD = """calls, total_exec_time, rows, blk_read_time, blk_write_time,
    total_plan_time, shared_blks_hit, shared_blks_read, shared_blks_dirtied,"""
_JIT = """jit_generation_time + jit_inlining_time
    + jit_optimization_time + jit_emission_time"""
_NO_JIT = _REST.format(jit="0::float8", forgot="null::float8")
_WITH_JIT = _REST.format(jit=_JIT, forgot="null::float8")
_FORGOT = "extract(epoch from nullif(minmax_stats_since, stats_since))::float8"
_WITH_FORGOT = _REST.format(jit=_JIT, forgot=_FORGOT)
_KEPT = """
select oid, (%s::text[] = '{}' or datname = any(%s)) and datname <> all(%s)
from pg_database
"""
# By the lowest version of the extension, which may be older than its server. Of
# thousands of rows few change from poll to poll; those whose prints are given are not
# sent, as their calls and time are what they were. A hidden row has no print. Nor are
# those sent of databases that are not wanted, if there are such. A print that no row
# has any more comes back alone: its row changed, or is gone.
QUERIES = {
    (1, 8): f"select userid, dbid, queryid, true, {_OLD} {_NO_JIT}",
    (1, 9): f"select userid, dbid, queryid, toplevel, {_OLD} {_NO_JIT}",
    (1, 10): f"select userid, dbid, queryid, toplevel, {_OLD} {_WITH_JIT}",
    (1, 11): f"""
select userid, dbid, queryid, toplevel, calls, total_exec_time, rows,
    shared_blk_read_time, shared_blk_write_time,
    total_plan_time, shared_blks_hit, shared_blks_read, shared_blks_dirtied,
    {_WITH_FORGOT}
""",
}
JIT_SINCE = (1, 10)
_TEXTS = """
select userid, queryid, left(query, 500) from {schema}.pg_stat_statements(true)
where queryid = any(%s::int8[]) and query is not null
"""
_NAMES = """
select true, oid, datname::text from pg_database where oid = any(%s::oid[])
union all select false, oid, rolname::text from pg_roles where oid = any(%s::oid[])
"""
_LABELS = ("user", "datname", "queryid")
_READ_TIME = "blk_read_time (shared_blk_read_time from 17 on)"
_JIT_TIME = "jit_*_time"
_WRITE_TIME = "blk_write_time (shared_blk_write_time from 17 on)"
# In the order of the columns, with what a column is to be divided by.
FIGURES = tuple(
    (
        counter(
            f"pg_stat_statements_{name}_total",
            f"{column} of pg_stat_statements: {meaning}.",
            *_LABELS,
        ),
        divisor,
    )
    for name, column, meaning, divisor in (
        ("calls", "calls", "completed runs", 1),
        ("seconds", "total_exec_time", "seconds", 1000),
        ("rows", "rows", "rows returned or changed", 1),
        ("block_read_seconds", _READ_TIME, "seconds, if track_io_timing", 1000),
        ("block_write_seconds", _WRITE_TIME, "seconds, if track_io_timing", 1000),
        ("plan_seconds", "total_plan_time", "seconds, if track_planning", 1000),
        ("shared_blocks_hit", "shared_blks_hit", "blocks found in memory", 1),
        ("shared_blocks_read", "shared_blks_read", "blocks read", 1),
        ("shared_blocks_dirtied", "shared_blks_dirtied", "blocks changed", 1),
        ("temp_blocks_read", "temp_blks_read", "spilled blocks read", 1),
        ("temp_blocks_written", "temp_blks_written", "blocks spilled", 1),
        ("wal_bytes", "wal_bytes", "bytes of write-ahead log", 1),
        ("jit_seconds", _JIT_TIME, "seconds of compiling, from 15 on", 1000),
    )
)


class Sent(NamedTuple):
    """What the server sent: rows, packed, and the prints that none has any more.

    `owners` are users and databases of the rows, `unwanted` the databases there are
    whose rows were not asked for. `forgot` is the Unix time at which extremes were last
    reset of one of the rows, None if they never were.
    """

    found: list[bytes]
    owners: frozenset[tuple[int, int]]
    gone: frozenset[bytes]
    unwanted: frozenset[int]
    forgot: float | None


async def sent_by(source: PostgresSource, extension: Extension) -> Sent:
    """Read the rows that are not as they are kept."""
    wanted, unwanted = await _databases_of(source)
    given = (wanted, wanted, source.kept.prints)
    rows = await source.tuples(extension.query(QUERIES), given)
    found = [row for row in rows if row[USER] is not None]
    return Sent(
        [packed(row[:-1]) for row in found],
        frozenset((row[USER], row[DATABASE]) for row in found),
        frozenset(print_of(row[:-1]) for row in rows if row[USER] is None),
        unwanted,
        max((row[-1] for row in found if row[-1] is not None), default=None),
    )


async def names_of(
    source: PostgresSource, owners: Collection[tuple[int, int]]
) -> list[tuple[Any, ...]]:
    """Return, of users and databases that are left, whether a database, oid, name."""
    users, databases = ({owner[place] for owner in owners} for place in (0, 1))
    return await source.tuples(_NAMES, (sorted(databases), sorted(users)))


async def texts_of(source: PostgresSource, extension: Extension) -> Answer:
    """Return the texts that are wanted, none where they are refused."""
    asked = frozenset(source.wanted)
    if not asked:
        return Answer(asked, (), source.wanted)
    query = _TEXTS.format(schema=extension.schema)
    found = await texts_for(source, query, list(asked))
    if found is None:
        return Answer(frozenset(), (), source.wanted)
    return Answer(asked, found, source.wanted)


async def _databases_of(
    source: PostgresSource,
) -> tuple[list[int] | None, frozenset[int]]:
    """Return the oids of databases that are wanted, None for all, and of the others."""
    names = source.config.databases
    if not names.include and not names.exclude:
        return None, frozenset()
    given = [list(part) for part in (names.include, names.include, names.exclude)]
    found = await source.tuples(_KEPT, given)
    others = frozenset(oid for oid, wanted in found if not wanted)
    return [oid for oid, wanted in found if wanted], others


def statement_samples(
    figures: Sequence[float], labels: tuple[str, str, str]
) -> Iterator[Sample]:
    """Yield the figures of a statement that its version knows, in base units."""
    for (metric, divisor), value in zip(FIGURES, figures, strict=False):
        yield metric(value / divisor if divisor > 1 else value, *labels)


def counted(row: tuple[Any, ...]) -> Counted:
    """Return what a row says of durations, in seconds."""
    deviation, low, high = row[-4] / 1000, row[-3] / 1000, row[-2] / 1000
    return Counted(row[CALLS], row[TIME] / 1000, deviation, low, high)
