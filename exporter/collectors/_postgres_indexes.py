"""What is read of indexes, and what follows: who may be dropped, who covers whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A size is read only where nobody holds or awaits a lock that would make us wait; else
# the size at the latest vacuum or analyze stands for it.
INDEXES = r"""
with locked as materialized (
    select relation from pg_locks
    where mode = 'AccessExclusiveLock' and relation is not null
), found as (
    select x.*, n.nspname, t.relname, i.relname as indexrelname, a.amname,
        i.relkind, i.relpages, i.relispartition,
        pg_stat_get_numscans(x.indexrelid) as scans,
        count(*) over (partition by x.indrelid, i.relam, x.indkey[0]) as alike,
        x.indexrelid in (select conindid from pg_constraint where conindid > 0)
            or x.indisunique or x.indisexclusion or x.indisreplident as required
    from pg_index x join pg_class i on i.oid = x.indexrelid
        join pg_class t on t.oid = x.indrelid
        join pg_namespace n on n.oid = t.relnamespace join pg_am a on a.oid = i.relam
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and t.relpersistence <> 't' and not n.nspname = any(%s)
        and (cardinality(%s::text[]) = 0 or n.nspname = any(%s))
)
select f.indexrelid::bigint as oid, f.indrelid::bigint as "table",
    f.nspname as schemaname, f.relname, f.indexrelname, f.amname as method,
    f.indisvalid as valid, f.required, f.relispartition as part, f.scans,
    case when f.relkind = 'I' then 0
        when f.indexrelid in (select relation from locked)
            or f.indrelid in (select relation from locked)
        then f.relpages::bigint * current_setting('block_size')::bigint
        else coalesce(pg_relation_size(f.indexrelid), 0) end as bytes,
    f.indnkeyatts as keys, f.indkey::text as columns, f.indclass::text as classes,
    f.indcollation::text as collations, f.indoption::text as options,
    md5(regexp_replace(coalesce(f.indexprs::text, '') || coalesce(f.indpred::text, ''),
        ':(location|stmt_len|stmt_location) -?\d+', '', 'g')) as expressions,
    p.index_relid is not null as building
from found f left join pg_stat_progress_create_index p
    on p.index_relid = f.indexrelid and p.datname = current_database()
where not f.indisvalid or f.alike > 1 or (f.scans = 0 and not f.required)
"""
SUMMARY = """
select count(*) filter (where x.indisvalid) as valid,
    extract(epoch from clock_timestamp())::float8 as now,
    extract(epoch from clock_timestamp() - coalesce(
        (select stats_reset from pg_stat_database where datname = current_database()),
        pg_postmaster_start_time()))::float8 as counted,
    pg_is_in_recovery() as standby,
    (select count(*) from pg_stat_replication) as standbys
from pg_index x join pg_class i on i.oid = x.indexrelid
    join pg_namespace n on n.oid = i.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and i.relpersistence <> 't' and not n.nspname = any(%s)
    and (cardinality(%s::text[]) = 0 or n.nspname = any(%s))
"""
TABLES = """
select t.schemaname, t.relname, t.seq_scan as scans, t.seq_tup_read as "rows"
from pg_stat_user_tables t
where t.seq_scan > 0 and t.seq_tup_read >= 10000::bigint * t.seq_scan
    and not t.schemaname = any(%s)
    and (cardinality(%s::text[]) = 0 or t.schemaname = any(%s))
order by t.seq_tup_read desc limit 100
"""


@dataclass(frozen=True, slots=True)
class Index:
    """An index that may be of interest; the vectors are written as the server does.

    `required` says that it stands for a rule on the data, `part` that it belongs to a
    partitioned one and cannot go alone.
    """

    oid: int
    table: int
    schemaname: str
    relname: str
    indexrelname: str
    method: str
    valid: bool
    required: bool
    part: bool
    scans: int
    bytes: int
    keys: int
    columns: str
    classes: str
    collations: str
    options: str
    expressions: str
    building: bool

    @property
    def unused(self) -> bool:
        """Whether it could go because nobody reads it."""
        return self.valid and not (self.scans or self.required or self.part)


class Summary(NamedTuple):
    """Valid indexes of a database, since how long reads are counted, and standbys."""

    valid: int
    now: float
    counted: float
    standby: bool
    standbys: int


class Table(NamedTuple):
    """A table that is read whole, with 10,000 rows or more each time on average."""

    schemaname: str
    relname: str
    scans: int
    rows: int


class Covered(NamedTuple):
    """An index that another one makes superfluous, being the same or longer."""

    which: Index
    by: Index
    kind: str


def covered(indexes: Iterable[Index]) -> Iterator[Covered]:
    """Find the indexes that others cover; of equals the one that may go is named."""
    tables: dict[tuple[int, str, str], list[Index]] = defaultdict(list)
    for index in indexes:
        if index.valid:
            tables[index.table, index.method, index.expressions].append(index)
    for alike in tables.values():
        for index in alike:
            if index.required or index.part:
                continue
            by = next((o for o in alike if o is not index and _covers(o, index)), None)
            if by is not None:
                same = _key(by) == _key(index)
                yield Covered(index, by, "duplicate" if same else "redundant")


def _covers(long: Index, short: Index) -> bool:
    """Tell whether one index does all that another one does, and is the one to stay."""
    if _key(long) == _key(short):
        return long.required or long.oid < short.oid
    if long.method != "btree" or "0" in short.columns.split()[: short.keys]:
        return False
    begins = all(
        theirs.split()[: short.keys] == ours.split()[: short.keys]
        for theirs, ours in (
            (long.columns, short.columns),
            (long.classes, short.classes),
            (long.collations, short.collations),
            (long.options, short.options),
        )
    )
    longer = long.keys > short.keys or len(long.columns) > len(short.columns)
    return begins and longer and {*short.columns.split()} <= {*long.columns.split()}


def _key(index: Index) -> tuple[object, ...]:
    return (
        *(index.keys, index.columns, index.classes),
        *(index.collations, index.options),
    )
