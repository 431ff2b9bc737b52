"""Plans statements at a PostgreSQL target: never run, in a read-only transaction.

Planning runs functions that are IMMUTABLE or STABLE where arguments are constants. So
nothing is sent that `exporter.review.sql.safe` has not written, and only after the
server has vouched that the names in it are its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collectors._postgres_plan import plan_of
from exporter.errors import Reason, SourceError
from exporter.review.advice import (
    Candidate,
    Table,
    candidates,
    converted,
    estimated,
    proved,
    uses_hypothetical,
)
from exporter.review.served import served
from exporter.sources.postgres_begin import ROLES_PATH
from exporter.sources.postgres_plans import Explained, explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.review.shape import Answer
    from exporter.sources.postgres import PostgresSource

_MOST_TRIED = 5
_BETTER = 0.9  # of the cost: a plan that is hardly cheaper is no advice
_SETTINGS = (
    "set local {mark} standard_conforming_strings = on; "
    "set local {mark} max_parallel_workers_per_gather = 0"
)
VOUCH = """
with recursive named as (
    select pg_catalog.to_regclass(name)::oid as oid
    from pg_catalog.unnest(%s::pg_catalog.text[]) as name
), reached(oid) as (
    select oid from named where oid is not null
    union
    select more.oid from reached r cross join lateral (
        select d.refobjid from pg_catalog.pg_rewrite w join pg_catalog.pg_depend d
            on d.objid = w.oid and d.classid = 'pg_catalog.pg_rewrite'::regclass
        where w.ev_class = r.oid
            and d.refclassid = 'pg_catalog.pg_class'::regclass
        union all
        select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = r.oid
    ) as more(oid)
), ruled(classid, objid) as (
    select 'pg_catalog.pg_rewrite'::regclass::oid, w.oid
    from pg_catalog.pg_rewrite w join reached r on w.ev_class = r.oid
    union all
    select 'pg_catalog.pg_policy'::regclass::oid, p.oid
    from pg_catalog.pg_policy p join reached r on p.polrelid = r.oid
), foreign_code as (
    select p.oid, p.proname, p.pronargs, p.proargtypes from pg_catalog.pg_proc p
        join pg_catalog.pg_language l on l.oid = p.prolang
    where p.pronamespace <> 'pg_catalog'::regnamespace and l.lanname <> 'internal'
        and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid
            and d.classid = 'pg_catalog.pg_proc'::regclass and d.deptype = 'e')
)
select 'a function of its own is called ' || proname::text as why
from foreign_code where proname = any(%s::pg_catalog.text[])
union all
select 'a function of its own is like the column ' || f.proname::text
from foreign_code f join pg_catalog.pg_type t on t.oid = f.proargtypes[0]
where f.pronargs = 1 and t.typtype = 'c' and proname = any(%s::pg_catalog.text[])
union all
select 'an operator of its own runs ' || f.proname::text
from pg_catalog.pg_operator o join foreign_code f on f.oid = o.oprcode
union all
select 'a cast of its own runs ' || f.proname::text
from pg_catalog.pg_cast c join foreign_code f on f.oid = c.castfunc
union all
select 'the type ' || typname::text || ' is a domain or a row'
from pg_catalog.pg_type where typname = any(%s::pg_catalog.text[])
    and typtype in ('d', 'c')
union all
select c.relname::text || ' is a foreign table'
from reached r join pg_catalog.pg_class c on c.oid = r.oid where c.relkind = 'f'
union all
select 'a view or policy calls ' || f.proname::text
from ruled u join pg_catalog.pg_depend d on d.classid = u.classid
    and d.objid = u.objid and d.refclassid = 'pg_catalog.pg_proc'::regclass
    join foreign_code f on f.oid = d.refobjid
limit 20
"""
TABLES = """
select wanted.name, n.nspname::text as schema, c.relname::text as relation,
    c.reltuples::float8 as rows, c.relpages::float8 as pages,
    array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum) as columns,
    array(select t.typname::text
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum) as types,
    array(select array_to_string(array(
            select coalesce(a.attname::text, '')
            from unnest(i.indkey::int2[]) with ordinality as key(attnum, place)
                left join pg_attribute a
                    on a.attrelid = i.indrelid and a.attnum = key.attnum
            order by key.place), chr(10))
        from pg_index i where i.indrelid = c.oid and i.indisvalid
            and i.indpred is null) as indexes,
    current_setting('random_page_cost')::float8 as page_cost
from unnest(%s::text[]) as wanted(name)
    join pg_class c on c.oid = to_regclass(wanted.name)
    join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm')
"""
HYPOTHETICAL = "select indexrelid::int8 from {schema}.hypopg_create_index(%s)"


class _Row(NamedTuple):
    """A row of `TABLES`."""

    name: str
    schema: str
    relation: str
    rows: float
    pages: float
    columns: list[str]
    types: list[str]
    indexes: list[str]
    page_cost: float


class _Objection(NamedTuple):
    """A row of `VOUCH`."""

    why: str


async def plan(source: PostgresSource, statement: Mapping[str, Any]) -> Answer:
    """Plan one statement as the worker gave it, with advice; to be run by the source.

    Raises SourceError only where the server did not answer.
    """
    planned = statement["planned"]
    document, refused, why = await _planned(source, planned)
    if document is None:
        return {"refused": why or refused}
    found = plan_of(document)
    names = planned["tables"]
    rows = await source.fetch(_Row, TABLES, (names,))
    tables = {row.name: _table(row) for row in rows}
    root = document[0]["Plan"]
    tried = candidates(root, statement["compared"], tables)[:_MOST_TRIED]
    return {
        "cost": found.cost,
        "rows": root["Plan Rows"],
        "sequential_scans": found.scans,
        "dearest": found.worst,
        "nodes": [node._asdict() for node in found.nodes],
        "indexes": await _indexes(source, planned, tried, found.cost),
        "served": served(root, [one["expression"] for one in statement["findings"]]),
        "converted": list(converted(statement["compared"], tables)),
        "rewrites": [
            await _rewritten(source, one["planned"]) for one in statement["rewrites"]
        ],
    }


def _table(row: _Row) -> Table:
    columns = dict(zip(row.columns, row.types, strict=True))
    indexes = tuple(tuple(index.split("\n")) for index in row.indexes)
    known = (row.name, row.schema, row.relation, row.rows, row.pages)
    return Table(*known, columns, indexes, row.page_cost)


async def _planned(source: PostgresSource, planned: Mapping[str, Any]) -> Explained:
    """Plan a text that the server vouches for; what is refused comes as a word."""
    if "refused" in planned:
        return Explained(refused=planned["refused"])
    kinds = ("tables", "functions", "columns", "types")
    names = [planned[kind] for kind in kinds]

    async def vouch(here: PostgresSource) -> list[_Objection]:
        await here.command(ROLES_PATH)
        return await here.fetch(_Objection, VOUCH, names)

    try:
        objections = await source.attempt(vouch)
    except SourceError as error:
        if not error.answered:
            raise
        return Explained(refused=f"the server could not vouch for it: {error.reason}")
    if objections:
        return Explained(refused="; ".join(one.why for one in objections))
    await source.command(_SETTINGS.format(mark=source.mark))
    return await explain(source, planned["text"], planned["parameters"])


async def _indexes(
    source: PostgresSource,
    planned: Mapping[str, Any],
    tried: Sequence[Candidate],
    cost: float,
) -> list[Answer]:
    """Return the advice: proved where hypopg is there, else estimated and said so."""
    useful = [one for one in tried if not one.there]
    schema = await _hypopg(source)
    if schema is None:
        found = (estimated(one, cost) for one in useful)
        return _cheapest(one for one in found if one is not None)
    advice: list[Answer] = []
    for one in useful:
        root = await _with_index(source, planned, (schema, one.statement(online=False)))
        if root and uses_hypothetical(root) and root["Total Cost"] < cost * _BETTER:
            advice.append(proved(one, (cost, root["Total Cost"])))
    return _cheapest(advice)


def _cheapest(advice: Iterable[Answer]) -> list[Answer]:
    return sorted(advice, key=lambda one: one["cost_after"])


async def _hypopg(source: PostgresSource) -> str | None:
    try:
        return (await source.extension("hypopg")).schema
    except SourceError as error:
        if error.reason is not Reason.UNSUPPORTED:
            raise
        return None


async def _with_index(
    source: PostgresSource, planned: Mapping[str, Any], index: tuple[str, str]
) -> Mapping[str, Any] | None:
    """Plan with one hypothetical index, which is gone again afterwards."""
    schema, statement = index

    async def create(here: PostgresSource) -> None:
        await here.tuples(HYPOTHETICAL.format(schema=schema), (statement,))

    try:
        await source.attempt(create)
        document = (await _planned(source, planned)).document
    except SourceError as error:
        if not error.answered:
            raise
        return None
    finally:
        await source.command(f"select {source.mark} {schema}.hypopg_reset()")
    root: Mapping[str, Any] | None = document[0]["Plan"] if document else None
    return root


async def _rewritten(source: PostgresSource, planned: Mapping[str, Any]) -> Answer:
    """Plan a rewrite, to see whether it is cheaper."""
    document, refused, why = await _planned(source, planned)
    if document is None:
        return {"refused": why or refused}
    found = plan_of(document)
    return {"cost": found.cost, "sequential_scans": found.scans}
