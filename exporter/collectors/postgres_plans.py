"""Plans of the statements that take most time, best effort: their shape and changes.

pg_plan_info{queryid="-813…",plan_hash="1f0c22aa",worst_node="Seq Scan on orders"} 1
pg_plan_cost{queryid="-813…"} 1893.2
pg_plan_cost_ratio{queryid="-813…"} 41.7
pg_plan_sequential_scans{queryid="-813…"} 1
pg_plan_changes_total{queryid="-813…"} 1
pg_plan_refusals_total{kind="permission"} 0

Only where `plans: {enabled: true}`: a statement is never executed, but planning runs
IMMUTABLE functions with our rights. SELECTs of the dsn's database alone, generic plans
(GENERIC_PLAN from 16 on, a forced generic plan before). There is one `plan_hash` per
statement at a time. From 18 on one queryid may cover several tables: its plan is that
of the text that the server kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind
from exporter.collectors._postgres_plan import (
    Plan,
    may_be_planned,
    parameters,
    plan_of,
)
from exporter.collectors._postgres_text import MARK, label
from exporter.evidence import Evidence
from exporter.metrics import counter, gauge
from exporter.sources.postgres_plans import explain
from exporter.sources.postgres_texts import texts_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

TOP = """
select s.queryid, sum(s.total_exec_time) as time
from {schema}.pg_stat_statements(false) s
    join pg_database d on d.oid = s.dbid join pg_roles u on u.oid = s.userid
where d.datname = current_database() and s.queryid is not null
    and (cardinality(%s::text[]) = 0 or d.datname = any(%s)) and d.datname <> all(%s)
    and (cardinality(%s::text[]) = 0 or u.rolname = any(%s)) and u.rolname <> all(%s)
group by queryid order by time desc limit %s
"""
TEXTS = """
select queryid, min(query) from {schema}.pg_stat_statements(true)
where queryid = any(%s::int8[]) and query is not null and length(query) < 20000
group by queryid
"""
_LOOKED_AT = 4  # times as many as are planned: some write, some are our own
_INTERVAL = 60.0
_LONGEST = 1000
_DRAWN = 10
KINDS = ("permission", "timeout", "lock", "unknown_name", "not_plannable")
INFO = gauge(
    "pg_plan_info",
    "EXPLAIN of a statement of pg_stat_statements: the hash of its plan's nodes, and "
    "the node that is dearest by itself; always 1.",
    *("queryid", "plan_hash", "worst_node"),
)
COST = gauge(
    "pg_plan_cost",
    "EXPLAIN of a statement of pg_stat_statements: cost of its plan, in the planner's "
    "units.",
    "queryid",
)
RATIO = gauge(
    "pg_plan_cost_ratio",
    "EXPLAIN of a statement of pg_stat_statements: cost of its plan against that of "
    "the plan before the latest change; 1 without one.",
    "queryid",
)
SCANS = gauge(
    "pg_plan_sequential_scans",
    "EXPLAIN of a statement of pg_stat_statements: nodes that read a whole table.",
    "queryid",
)
CHANGES = counter(
    "pg_plan_changes_total",
    "EXPLAIN of a statement of pg_stat_statements: how often its plan was another one "
    "than at the poll before.",
    "queryid",
)
REFUSALS = counter(
    "pg_plan_refusals_total",
    "EXPLAIN of statements of pg_stat_statements that gave no plan, by kind.",
    "kind",
)


class Reading(NamedTuple):
    """A statement's plan, or why there is none; its text as the server has it."""

    query: int
    plan: Plan | None
    refused: str = ""
    text: str = ""


class Rows(NamedTuple):
    """What was planned; `shown` is what `samples` finds, for the evidence page."""

    readings: list[Reading]
    shown: list[Evidence]


@dataclass(slots=True)
class Memory:
    """A statement's plan now, the one before, and how often it changed."""

    plan: Plan
    before: Plan
    changes: int = 0
    text: str = ""


@dataclass(slots=True)
class State:
    """The plans of statements, and how many were refused."""

    plans: dict[int, Memory] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


async def read(source: PostgresSource) -> Rows:
    """Plan the statements that took most time; texts are fetched once per id."""
    readings: list[Reading] = []
    settings = source.config.plans
    if settings.enabled:
        texts = await _texts(source, settings.top * _LOOKED_AT)
        wanted = [q for q, t in texts.items() if MARK not in t and may_be_planned(t)]
        for query in wanted[: settings.top]:
            text = texts[query]
            document, refused, _ = await explain(source, text, parameters(text))
            plan = None if document is None else plan_of(document)
            readings.append(Reading(query, plan, refused, text))
    return Rows(readings, [])


async def _texts(source: PostgresSource, most: int) -> dict[int, str]:
    """Return the texts of those that took most time, in that order."""
    schema = (await source.extension("pg_stat_statements")).schema
    databases, users = source.config.databases, source.config.users
    filters = [
        list(names)
        for kept in (databases, users)
        for names in (kept.include, kept.include, kept.exclude)
    ]
    top = await source.tuples(TOP.format(schema=schema), (*filters, most))
    ids = [row[0] for row in top]
    known = source.texts
    if missing := [query for query in ids if query not in known]:
        found = await texts_for(source, TEXTS.format(schema=schema), missing)
        if found is not None:
            known |= dict.fromkeys(missing, "") | dict(found)
    for gone in known.keys() - set(ids):
        del known[gone]
    return {query: known[query] for query in ids if query in known}


def samples(rows: Rows, state: State) -> Iterator[Sample]:
    """Remember plans and show them; one that is not planned now keeps its changes."""
    for reading in rows.readings:
        _remember(reading, state)
    shown = {reading.query for reading in rows.readings}
    for gone in state.plans.keys() - shown:
        del state.plans[gone]
    for query, memory in state.plans.items():
        name = str(query)
        ratio = memory.plan.cost / memory.before.cost if memory.before.cost else None
        yield INFO(1, name, memory.plan.plan_hash, memory.plan.worst)
        yield COST(memory.plan.cost, name)
        yield RATIO(ratio, name)
        yield SCANS(memory.plan.scans, name)
        yield CHANGES(memory.changes, name)
    if rows.readings:
        for kind, count in state.refusals.items():
            yield REFUSALS(count, kind)
    rows.shown.append(_table(state))


def _remember(reading: Reading, state: State) -> None:
    query, plan, refused, text = reading
    if plan is None:
        state.refusals[refused] += 1
        return
    memory = state.plans.setdefault(query, Memory(plan, plan, 0, label(text, _LONGEST)))
    if memory.plan.plan_hash != plan.plan_hash:
        memory.changes += 1
        memory.before = memory.plan
    elif not memory.changes:
        memory.before = plan
    memory.plan = plan


def _table(state: State) -> Evidence:
    """Draw the plans that changed, each with the one before, then the dearest."""
    ranked = sorted(
        state.plans.items(), key=lambda found: (-found[1].changes, -found[1].plan.cost)
    )
    lines: list[tuple[int, tuple[str | None, float | None, str]]] = []
    for query, memory in ranked[:_DRAWN]:
        lines.append((0, (str(query), memory.plan.cost, memory.text)))
        plans = [("now", memory.plan)]
        if memory.changes:
            plans.append(("before", memory.before))
        for when, plan in plans:
            lines.append((1, (when, plan.cost, plan.plan_hash)))
            lines += [
                (depth + 2, (None, cost, name)) for depth, cost, name in plan.nodes
            ]
    return Evidence(
        ("pg_plan_regressed", "pg_statement_mean"),
        "Plans of the statements that take most time",
        ("query_id", "cost", "statement_or_node"),
        tuple(line for _, line in lines),
        tuple(depth for depth, _ in lines),
    )


def evidence(rows: Rows) -> list[Evidence]:
    """Show the plans."""
    return rows.shown


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that plans are refused for want of a grant."""
    readings = (await read(source)).readings
    denied = sum(reading.refused == "permission" for reading in readings)
    fix = f"GRANT pg_read_all_data TO {source.role};  -- from 14 on, reads everything"
    missing = f"{denied} of {len(readings)} statements may not be planned"
    return [Finding(missing, fix)] if denied else []


COLLECTOR = Collector(
    name="plans",
    source=SourceKind.POSTGRES,
    metrics=(INFO, COST, RATIO, SCANS, CHANGES, REFUSALS),
    read=read,
    samples=samples,
    state=State,
    privilege="pg_monitor, pg_stat_statements, and SELECT on what the statements read",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
    evidence=evidence,
)
