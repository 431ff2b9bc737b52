"""How much of each B-tree is air, estimated once an hour from pg_class and pg_stats.

pg_index_bloat_bytes{datname="orders",schemaname="public",…,indexrelname="i"} 81920

The size that the entries need, at the index' fill factor, against the pages it has;
both are of the latest vacuum or analyze, so nothing is locked or read. The width of a
key is that of its types; for texts and the like it is from pg_stats, which shows it to
who may read the table alone: without that the index is left out. Indexes below 1 MiB,
on expressions or with duplicates that share entries may come out as 0. Of all databases
the 50 with most have series, and the rest is `other`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind
from exporter.evidence import Evidence
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select x.indexrelid::bigint as oid, n.nspname as schemaname, t.relname,
    i.relname as indexrelname, i.relpages::bigint as pages,
    i.reltuples::float8 as entries, k.width::float8 as width,
    current_setting('block_size')::int as block,
    coalesce((select substr(o, 12)::int from unnest(i.reloptions) o
        where o like 'fillfactor=%%'), 90) as fillfactor
from pg_index x join pg_class i on i.oid = x.indexrelid and i.relkind = 'i'
    join pg_class t on t.oid = x.indrelid join pg_namespace n on n.oid = t.relnamespace
    join pg_am a on a.oid = i.relam and a.amname = 'btree'
    cross join lateral (
        select case when count(*) = count(w.width) then sum(w.width) end as width
        from unnest(x.indkey::int2[]) key(number)
        left join pg_attribute c on c.attrelid = x.indrelid and c.attnum = key.number
        left join lateral (select case when c.attlen > 0
            then ceil(c.attlen / e.bytes) * e.bytes
            else (select s.avg_width from pg_stats s where s.schemaname = n.nspname
                and s.tablename = t.relname and s.attname = c.attname
                order by s.inherited limit 1) end as width
            from (select case c.attalign when 'd' then 8.0 when 'i' then 4.0
                when 's' then 2.0 else 1.0 end as bytes) e) w on true
    ) k
where i.relpages >= 128 and i.reltuples >= 0 and x.indisvalid
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and i.relpersistence <> 't' and not n.nspname = any(%s)
    and (cardinality(%s::text[]) = 0 or n.nspname = any(%s))
"""

_MOST = 50
_OTHER = ("other",) * 4
_PAGE = 24 + 16  # bytes of a page's head and of its B-tree part
_ENTRY = 8 + 4  # bytes of an entry's head and of the pointer to it
_ALIGNED = 8

BLOAT = gauge(
    "pg_index_bloat_bytes",
    "Estimated bytes of a B-tree beyond what its entries need, from relpages and "
    "reltuples of pg_class and widths of pg_stats; at intervals of an hour.",
    *("datname", "schemaname", "relname", "indexrelname"),
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A B-tree: pages, entries and the width of a key in bytes, None if unknown."""

    oid: int
    schemaname: str
    relname: str
    indexrelname: str
    pages: int
    entries: float
    width: float | None
    block: int
    fillfactor: int

    @property
    def bloat(self) -> int | None:
        """Bytes beyond those needed; None where the keys' width is unknown."""
        if self.width is None:
            return None
        entry = _ENTRY + ceil(self.width / _ALIGNED) * _ALIGNED
        fitting = (self.block - _PAGE) * self.fillfactor / 100 // entry
        needed = 1 + ceil(self.entries / max(fitting, 1.0))
        return max(0, self.pages - needed) * self.block


class Rows(NamedTuple):
    """What was read, by database."""

    databases: dict[str, list[Tree]]


async def read(source: PostgresSource) -> Rows:
    """Read the B-trees of every database."""
    names = source.config.schemas
    schemas = ([*names.exclude], [*names.include], [*names.include])
    return Rows(await source.each(lambda one: one.fetch(Tree, QUERY, schemas)))


def samples(rows: Rows, state: StickyTop[tuple[str, int]]) -> Iterator[Sample]:
    """Name the trees with most bloat, and sum the others."""
    found = {
        (name, tree.oid): (tree, bloat)
        for name, trees in rows.databases.items()
        for tree in trees
        if (bloat := tree.bloat) is not None
    }
    scores = {key: float(bloat) for key, (_, bloat) in found.items()}
    members = state.update(scores, _MOST)
    for key in members:
        tree, bloat = found[key]
        yield BLOAT(bloat, key[0], tree.schemaname, tree.relname, tree.indexrelname)
    others = found.keys() - members
    yield BLOAT(sum(found[key][1] for key in others), *_OTHER)


def evidence(rows: Rows) -> Iterator[Evidence]:
    """Show the trees with most bloat."""
    found = sorted(
        (
            (tree.bloat or 0, name, tree)
            for name, trees in rows.databases.items()
            for tree in trees
            if tree.bloat
        ),
        key=lambda one: -one[0],
    )
    yield Evidence(
        ("pg_index_bloat",),
        "Indexes with much air (estimated)",
        ("index", "table", "database", "bloat_bytes", "bytes"),
        tuple(
            (
                *(tree.indexrelname, f"{tree.schemaname}.{tree.relname}", name),
                *(bloat, tree.pages * tree.block),
            )
            for bloat, name, tree in found
        ),
    )


COLLECTOR = Collector(
    name="index_bloat",
    source=SourceKind.POSTGRES,
    metrics=(BLOAT,),
    read=read,
    samples=samples,
    state=StickyTop[tuple[str, int]],
    privilege="CONNECT to each database; SELECT on a table for its indexes on texts",
    cost=Cost.COSTLY,
    interval=3600.0,
    evidence=evidence,
)
