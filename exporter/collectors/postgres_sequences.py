"""How far sequences are through their range, from pg_sequence.

pg_sequence_used_ratio{datname="orders",schemaname="public",
  sequencename="item_id_seq"} 0.81

The range ends where the sequence does, or where the column that owns it does: a bigint
sequence behind an integer column is full at 2,147,483,647. The twenty of the server
that are furthest have series. Asked every five minutes, by pg_sequence_last_value(),
which waits for locks: sequences that somebody alters or drops are left out, as are
unlogged ones (after a promotion the server may fail to read them, and all with them),
those that start again at their end, and those that we may not SELECT.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind
from exporter.collectors._postgres import Names, keeps, unread_databases
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_EVERY = 300.0
_TOP = 20
QUERY = """
with locked as materialized (
    select relation from pg_locks
    where locktype = 'relation'
        and mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
        and database = (select oid from pg_database where datname = current_database())
), known as materialized (
    select s.seqrelid, n.nspname, c.relname, s.seqincrement > 0 as rises,
        greatest(s.seqmin, case a.atttypid when 'int2'::regtype then -32768
            when 'int4'::regtype then -2147483648 end) as lowest,
        least(s.seqmax, case a.atttypid when 'int2'::regtype then 32767
            when 'int4'::regtype then 2147483647 end) as highest
    from pg_sequence s join pg_class c on c.oid = s.seqrelid
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_depend d on d.classid = 'pg_class'::regclass
            and d.objid = s.seqrelid and d.refclassid = 'pg_class'::regclass
            and d.refobjsubid > 0 and d.deptype in ('a', 'i')
        left join pg_attribute a on a.attrelid = d.refobjid
            and a.attnum = d.refobjsubid
    where not s.seqcycle and c.relpersistence = 'p'
        and case c.relkind when 'S' then has_sequence_privilege(c.oid, 'select') end
        and not exists (select from locked l where l.relation = c.oid)
)
select nspname as schema, relname as name, rises, lowest, highest,
    pg_sequence_last_value(seqrelid) as last
from known
"""
_HIDDEN = """
select n.nspname as schema, count(*) as sequences,
    format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I;', n.nspname, current_user)
        as fix
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where case c.relkind when 'S' then not has_sequence_privilege(c.oid, 'select') end
group by 1 order by 1
"""

USED = gauge(
    "pg_sequence_used_ratio",
    "Share of the range of a sequence, or of the column that it fills, that is used, "
    "from pg_sequence: 1 is the end.",
    *("datname", "schemaname", "sequencename"),
)


class Sequence(NamedTuple):
    """A sequence: its direction, its range, and the last value, if there was one."""

    schema: str
    name: str
    rises: bool
    lowest: int
    highest: int
    last: int | None

    @property
    def used(self) -> float:
        """The share of the range that lies behind it; one that was not used has 0."""
        if self.last is None:
            return 0.0
        length = max(1, self.highest - self.lowest)
        done = self.last - self.lowest if self.rises else self.highest - self.last
        return min(1.0, max(0.0, done / length))


class _Hidden(NamedTuple):
    schema: str
    sequences: int
    fix: str


class Rows(NamedTuple):
    """What was read by database, and which schemas the target keeps."""

    found: dict[str, list[Sequence]]
    schemas: Names


@dataclass(slots=True)
class Known:
    """The sequences with series, which change rarely."""

    top: StickyTop[tuple[str, str, str]] = field(
        default_factory=lambda: StickyTop(margin=1.05)
    )


async def read(source: PostgresSource) -> Rows:
    """Read the sequences of every wanted database."""

    async def sequences(database: PostgresSource) -> list[Sequence]:
        return await database.fetch(Sequence, QUERY)

    return Rows(await source.each(sequences), source.config.schemas)


def samples(rows: Rows, state: Known) -> Iterator[Sample]:
    """Show those that are furthest."""
    used = {
        (database, row.schema, row.name): row.used
        for database, found in rows.found.items()
        for row in found
        if keeps(rows.schemas, row.schema)
    }
    for key in sorted(state.top.update(used, _TOP)):
        yield USED(used[key], *key)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find sequences that are hidden from us."""

    async def hidden(database: PostgresSource) -> list[_Hidden]:
        return await database.fetch(_Hidden, _HIDDEN)

    found = await source.each(hidden)
    return [
        *unread_databases(source),
        *(
            Finding(
                f"{row.sequences} sequences of schema {row.schema} in database "
                f"{database} are hidden",
                row.fix,
            )
            for database, rows in sorted(found.items())
            for row in rows
            if keeps(source.config.schemas, row.schema)
        ),
    ]


COLLECTOR = Collector(
    name="sequences",
    source=SourceKind.POSTGRES,
    metrics=(USED,),
    read=read,
    samples=samples,
    state=Known,
    privilege="CONNECT to each database, SELECT on its sequences",
    cost=Cost.COSTLY,
    interval=_EVERY,
    inspect=inspect,
)
