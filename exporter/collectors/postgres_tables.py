"""What is done to tables, and what vacuum and analyze leave undone.

pg_stat_user_tables_n_dead_tup{datname="orders",schemaname="public",relname="item"} 512
pg_stat_user_tables_last_autovacuum{…} 1.7e+09
pg_statio_user_tables_heap_blocks_read{…} 81234
pg_stat_user_tables_vacuum_due_ratio{…} 0.4
pg_stat_user_tables_analyze_due_ratio{…} 2.3
pg_stat_user_tables_frozen_xid_age{…} 1.5e+08

From the functions behind pg_stat_user_tables and pg_statio_user_tables, none of which
waits for a lock. `due` is what has piled up against the threshold at which autovacuum
should act, with the table's own options: 1 is its time, more is late. `tables: {top}`
of them (50) have series of their own, those that vacuum neglects, then those with most
work or size, which change rarely; the others of a database are summed up as `other`.
Temporary tables are left out. What never happened has no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import Collector, Cost, SourceKind
from exporter.collectors._postgres import (
    Names,
    keeps,
    settings_off,
    unread_databases,
)
from exporter.collectors._postgres_due import Due, Thresholds, due
from exporter.collectors._postgres_tables import OTHER, Account, Key, Table
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_EVERY = 60.0
QUERY = """
with used as (
    select indrelid, sum(pg_stat_get_numscans(indexrelid))::bigint as scans,
        sum(pg_stat_get_tuples_fetched(indexrelid))::bigint as fetched,
        sum(pg_stat_get_blocks_fetched(indexrelid)
            - pg_stat_get_blocks_hit(indexrelid))::bigint as read,
        sum(pg_stat_get_blocks_hit(indexrelid))::bigint as hit
    from pg_index group by 1
)
select n.nspname, c.relname, c.relpages, c.reltuples, c.reloptions,
    greatest(age(c.relfrozenxid), age(t.relfrozenxid)),
    extract(epoch from pg_stat_get_last_vacuum_time(c.oid))::float8,
    extract(epoch from pg_stat_get_last_autovacuum_time(c.oid))::float8,
    extract(epoch from pg_stat_get_last_analyze_time(c.oid))::float8,
    extract(epoch from pg_stat_get_last_autoanalyze_time(c.oid))::float8,
    pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid),
    pg_stat_get_mod_since_analyze(c.oid),
    pg_stat_get_numscans(c.oid), pg_stat_get_tuples_returned(c.oid),
    i.scans, coalesce(i.fetched, 0) + pg_stat_get_tuples_fetched(c.oid),
    pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid),
    pg_stat_get_tuples_deleted(c.oid), pg_stat_get_tuples_hot_updated(c.oid),
    pg_stat_get_vacuum_count(c.oid), pg_stat_get_autovacuum_count(c.oid),
    pg_stat_get_analyze_count(c.oid), pg_stat_get_autoanalyze_count(c.oid),
    pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid),
    pg_stat_get_blocks_hit(c.oid), i.read, i.hit,
    pg_stat_get_blocks_fetched(t.oid) - pg_stat_get_blocks_hit(t.oid),
    pg_stat_get_blocks_hit(t.oid), x.read, x.hit
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_class t on t.oid = c.reltoastrelid
left join used i on i.indrelid = c.oid
left join used x on x.indrelid = t.oid
where c.relkind in ('r', 'm') and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
"""
SETTINGS = """
select name, setting::float8 as setting from pg_settings
where name ~ '^autovacuum_(vacuum|analyze)_(threshold|scale_factor|max_threshold)$'
"""
_SCHEMA, _NAME, _PAGES, _ROWS, _OPTIONS, _XID_AGE = range(6)
_TIMES = slice(6, 10)
_GAUGES = slice(10, 13)
_COUNTERS = slice(13, None)

_LABELS = ("datname", "schemaname", "relname")
_TABLES, _IO = "pg_stat_user_tables", "pg_statio_user_tables"
_COUNTER_TEXTS = {
    f"{_TABLES}_seq_scan": "sequential scans",
    f"{_TABLES}_seq_tup_read": "rows read by sequential scans",
    f"{_TABLES}_idx_scan": "index scans",
    f"{_TABLES}_idx_tup_fetch": "rows fetched by index scans",
    f"{_TABLES}_n_tup_ins": "rows inserted",
    f"{_TABLES}_n_tup_upd": "rows updated",
    f"{_TABLES}_n_tup_del": "rows deleted",
    f"{_TABLES}_n_tup_hot_upd": "rows updated in place, without a new index entry",
    f"{_TABLES}_vacuum_count": "runs of VACUUM by hand",
    f"{_TABLES}_autovacuum_count": "runs of VACUUM by autovacuum",
    f"{_TABLES}_analyze_count": "runs of ANALYZE by hand",
    f"{_TABLES}_autoanalyze_count": "runs of ANALYZE by autovacuum",
    f"{_IO}_heap_blocks_read": "blocks of the table read from outside shared buffers",
    f"{_IO}_heap_blocks_hit": "blocks of the table found in shared buffers",
    f"{_IO}_idx_blocks_read": "blocks of its indexes read",
    f"{_IO}_idx_blocks_hit": "blocks of its indexes found in shared buffers",
    f"{_IO}_toast_blocks_read": "blocks of its TOAST table read",
    f"{_IO}_toast_blocks_hit": "blocks of its TOAST table found in shared buffers",
    f"{_IO}_tidx_blocks_read": "blocks of the TOAST table's index read",
    f"{_IO}_tidx_blocks_hit": "blocks of the TOAST table's index found",
}
_GAUGE_TEXTS = {
    "n_live_tup": "live rows, estimated",
    "n_dead_tup": "dead rows, estimated",
    "n_mod_since_analyze": "rows changed since the latest ANALYZE, estimated",
}
_TIME_TEXTS = {
    "last_vacuum": "the latest VACUUM by hand",
    "last_autovacuum": "the latest VACUUM by autovacuum",
    "last_analyze": "the latest ANALYZE by hand",
    "last_autoanalyze": "the latest ANALYZE by autovacuum",
}


def _view(name: str) -> str:
    return _IO if name.startswith(_IO) else _TABLES


COUNTERS = tuple(
    counter(name, f"{text.capitalize()}, as in {_view(name)}.", *_LABELS)
    for name, text in _COUNTER_TEXTS.items()
)
GAUGES = tuple(
    gauge(f"{_TABLES}_{name}", f"{_TABLES}.{name}: {text}.", *_LABELS)
    for name, text in _GAUGE_TEXTS.items()
)
TIMES = tuple(
    gauge(
        f"{_TABLES}_{name}",
        f"{_TABLES}.{name}: Unix time in seconds of {text}; absent if never.",
        *_LABELS,
    )
    for name, text in _TIME_TEXTS.items()
)
VACUUM_DUE = gauge(
    f"{_TABLES}_vacuum_due_ratio",
    f"n_dead_tup of {_TABLES} against the number at which autovacuum is to vacuum the "
    "table: 1 is its time.",
    *_LABELS,
)
ANALYZE_DUE = gauge(
    f"{_TABLES}_analyze_due_ratio",
    f"n_mod_since_analyze of {_TABLES} against the number at which autovacuum is to "
    "analyze the table: 1 is its time, and beyond it statistics are stale.",
    *_LABELS,
)
XID_AGE = gauge(
    f"{_TABLES}_frozen_xid_age",
    "age(relfrozenxid) of pg_class, of the table or of its TOAST table: transaction "
    "ids, of 2^31. Of the tables with series and the three oldest of each database.",
    *_LABELS,
)
_OLDEST = 3


Row = tuple[Any, ...]


class Rows(NamedTuple):
    """Rows by database, autovacuum's settings, and what the target wants of them."""

    found: dict[str, list[Row]]
    settings: dict[str, float]
    schemas: Names
    top: int


class Setting(NamedTuple):
    """A setting that is a number."""

    name: str
    setting: float


async def read(source: PostgresSource) -> Rows:
    """Read the tables of every wanted database."""

    async def tables(database: PostgresSource) -> list[Row]:
        return await database.tuples(QUERY)

    config = source.config
    settings = dict(await source.fetch(Setting, SETTINGS))
    found = await source.each(tables)
    return Rows(found, settings, config.schemas, config.tables.top)


def samples(rows: Rows, state: Account) -> Iterator[Sample]:
    """Show the members of the top-N, the oldest tables, and the rest's sums."""
    limits = Thresholds.of(rows.settings)
    kept = {
        name: {
            (name, row[_SCHEMA], row[_NAME]): row
            for row in found
            if keeps(rows.schemas, row[_SCHEMA])
        }
        for name, found in rows.found.items()
    }
    overdue = {
        key: due(limits.changed(row[_OPTIONS]), row[_ROWS], *row[_GAUGES][1:])
        for found in kept.values()
        for key, row in found.items()
    }
    rest = state.update(
        {
            name: {key: _table(row, overdue[key]) for key, row in found.items()}
            for name, found in kept.items()
        },
        rows.top,
    )
    for found in kept.values():
        members = found.keys() & state.members
        for key in sorted(members):
            yield from _series(key, found[key], overdue[key])
        oldest = sorted(found, key=lambda key: -(found[key][_XID_AGE] or 0))[:_OLDEST]
        for key in sorted({*members, *oldest}):
            yield XID_AGE(found[key][_XID_AGE], *key)
    for name, sums in rest.items():
        for metric, value in zip(COUNTERS, sums.counters, strict=True):
            yield metric(value, name, OTHER, OTHER)
        for metric, value in zip(GAUGES, sums.gauges, strict=True):
            yield metric(value, name, OTHER, OTHER)


def _series(key: Key, row: Row, late: Due) -> Iterator[Sample]:
    yield VACUUM_DUE(late.vacuum, *key)
    yield ANALYZE_DUE(late.analyze, *key)
    for metrics, values in (
        (COUNTERS, row[_COUNTERS]),
        (GAUGES, row[_GAUGES]),
        (TIMES, row[_TIMES]),
    ):
        for metric, value in zip(metrics, values, strict=True):
            yield metric(value, *key)


def _account() -> Account:
    """Rank tables by rows read, and by rows written."""
    place = {
        metric.name.removeprefix(f"{_TABLES}_"): n for n, metric in enumerate(COUNTERS)
    }
    return Account(
        (
            (place["seq_tup_read"], place["idx_tup_fetch"]),
            (place["n_tup_ins"], place["n_tup_upd"], place["n_tup_del"]),
        )
    )


def _table(row: Row, late: Due) -> Table:
    """Return what ranks a table; what it cannot have, as an index, counts as none."""
    return Table(
        tuple([count or 0 for count in row[_COUNTERS]]),
        row[_GAUGES],
        row[_PAGES],
        max(late),
    )


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find databases that were not read, and that nothing is counted."""
    return [
        *unread_databases(source),
        *await settings_off(
            source,
            {
                "track_counts": "figures of tables stay at 0, and autovacuum is blind",
                "autovacuum": "nobody vacuums and analyzes tables by itself",
            },
        ),
    ]


COLLECTOR = Collector(
    name="tables",
    source=SourceKind.POSTGRES,
    metrics=(*COUNTERS, *GAUGES, *TIMES, VACUUM_DUE, ANALYZE_DUE, XID_AGE),
    read=read,
    samples=samples,
    state=_account,
    privilege="CONNECT to each database",
    cost=Cost.COSTLY,
    interval=_EVERY,
    inspect=inspect,
)
