"""How large tables and their indexes are, from pg_table_size() and pg_indexes_size().

pg_stat_user_tables_table_size_bytes{datname="orders",schemaname="public",
  relname="item"} 8.388608e+09
pg_stat_user_tables_index_size_bytes{…} 1.073741824e+09
pg_table_sizes_locked{datname="orders"} 0

Asked every ten minutes, for the largest tables only (`tables: {top}`, 50), which have
series of their own; `other` is the rest of a database, estimated from relpages. These
functions wait where somebody holds or awaits an ACCESS EXCLUSIVE lock, as ALTER TABLE
and REINDEX do: such tables are left out and counted as locked.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind
from exporter.collectors._postgres import unread_databases
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_EVERY = 600.0
_OTHER = "other"
QUERY = """
with locked as materialized (
    select relation from pg_locks
    where locktype = 'relation' and mode = 'AccessExclusiveLock'
        and database = (select oid from pg_database where datname = current_database())
), parts as materialized (
    select coalesce(i.indrelid, c.oid) as owner, c.oid as part, c.relpages,
        i.indrelid is not null as indexes
    from pg_class c left join pg_index i on i.indexrelid = c.oid
    where c.relkind in ('r', 'm', 'i', 't')
), tables as materialized (
    select c.oid, n.nspname, c.relname,
        sum(p.relpages) filter (where not p.indexes or p.owner = c.reltoastrelid)
            as table_pages,
        coalesce(sum(p.relpages) filter (where p.indexes and p.owner = c.oid), 0)
            as index_pages,
        bool_or(p.part in (select relation from locked)) as locked
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join parts p on p.owner in (c.oid, nullif(c.reltoastrelid, 0))
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and (cardinality(%s::text[]) = 0 or n.nspname = any(%s))
        and n.nspname <> all(%s)
    group by 1, 2, 3
), ranked as materialized (
    select *, row_number() over (order by table_pages + index_pages desc, oid) as rank
    from tables
)
select nspname as schema, relname as name, locked,
    case when not locked then pg_table_size(oid) end as table_size,
    case when not locked then pg_indexes_size(oid) end as index_size
from ranked where rank <= %s
union all
select null, null, false, (sum(table_pages) * current_setting('block_size')::int)::int8,
    (sum(index_pages) * current_setting('block_size')::int)::int8
from ranked where rank > %s having count(*) > 0
"""

_LABELS = ("datname", "schemaname", "relname")
TABLE = gauge(
    "pg_stat_user_tables_table_size_bytes",
    "pg_table_size() of the table: bytes, measured every ten minutes.",
    *_LABELS,
)
INDEX = gauge(
    "pg_stat_user_tables_index_size_bytes",
    "pg_indexes_size() of the table: bytes, measured every ten minutes.",
    *_LABELS,
)
LOCKED = gauge(
    "pg_table_sizes_locked",
    "Large tables without a size because pg_table_size() would wait for a lock.",
    "datname",
)


class Size(NamedTuple):
    """A table's bytes, unless it is locked; without names, all small ones together."""

    schema: str | None
    name: str | None
    locked: bool
    table_size: int | None
    index_size: int | None


class Rows(NamedTuple):
    """What was read by database, and how many tables have series."""

    found: dict[str, list[Size]]
    top: int


@dataclass(slots=True)
class Known:
    """The tables with series, which change rarely."""

    top: StickyTop[tuple[str, str, str]] = field(
        default_factory=lambda: StickyTop(margin=1.2)
    )


async def read(source: PostgresSource) -> Rows:
    """Measure half as many tables again as have series, in every wanted database."""
    top, names = source.config.tables.top, source.config.schemas
    include, most = list(names.include), top + top // 2
    parameters = (include, include, list(names.exclude), most, most)

    async def sizes(database: PostgresSource) -> list[Size]:
        return await database.fetch(Size, QUERY, parameters)

    return Rows(await source.each(sizes), top)


def samples(rows: Rows, state: Known) -> Iterator[Sample]:
    """Show the members, and the sum of the others by database."""
    bytes_of = {
        (database, row.schema or "", row.name or ""): row
        for database, found in rows.found.items()
        for row in found
        if row.table_size is not None
    }
    totals = {
        key: float((row.table_size or 0) + (row.index_size or 0))
        for key, row in bytes_of.items()
        if row.name is not None
    }
    members = state.top.update(totals, rows.top)
    rest: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for key, row in bytes_of.items():
        if key in members:
            yield TABLE(row.table_size, *key)
            yield INDEX(row.index_size, *key)
        else:
            rest[key[0]][0] += row.table_size or 0
            rest[key[0]][1] += row.index_size or 0
    for database, found in rows.found.items():
        table, index = rest[database]
        yield TABLE(table, database, _OTHER, _OTHER)
        yield INDEX(index, database, _OTHER, _OTHER)
        yield LOCKED(sum(row.locked for row in found), database)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find databases that were not read."""
    return unread_databases(source)


COLLECTOR = Collector(
    name="table_sizes",
    source=SourceKind.POSTGRES,
    metrics=(TABLE, INDEX, LOCKED),
    read=read,
    samples=samples,
    state=Known,
    privilege="CONNECT to each database",
    cost=Cost.COSTLY,
    interval=_EVERY,
    inspect=inspect,
)
