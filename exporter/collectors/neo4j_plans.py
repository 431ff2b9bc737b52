"""Plans of the configured queries: what they scan, cost and change; and their time.

neo4j_plan_status{query="by-hash",status="ok"} 1
neo4j_plan_scan{query="by-hash"} 0
neo4j_plan_must_seek_violated{query="by-hash"} 0
neo4j_plan_regressed{query="another"} 0
neo4j_plan_estimated_rows{query="by-hash"} 2.0
neo4j_plan_operators{query="by-hash",operator="NodeIndexSeek"} 1
neo4j_plan_changes_total{query="by-hash"} 0
neo4j_plan_info{query="another",worst_operator="NodeByLabelScan",plan_hash="1f0c…",
    remedy="an index on User(name)"} 1
neo4j_plan_index{query="by-hash",kind="range",label="User",properties="hash"} 1
neo4j_plan_db_hits{query="by-hash"} 15
neo4j_plan_rows{query="by-hash"} 2
neo4j_plan_estimate_error_ratio{query="by-hash"} 1.5
neo4j_plan_page_hits{query="by-hash"} 12
neo4j_plan_page_faults{query="by-hash"} 0
neo4j_query_duration_seconds_bucket{query="by-hash",le="0.01"} 3

Each query is EXPLAINed, which does not run it. With `profile: true` it is also run, in
a read transaction that is rolled back, unless its plan could have effects. There is one
`plan_hash` per query at a time, so a new plan replaces a series and adds none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exporter.collector import Collector, Cost, Finding, SourceKind
from exporter.collectors._neo4j_advice import remedy, rewrites, statement, used
from exporter.collectors._neo4j_index import Covers
from exporter.collectors._neo4j_plan import (
    fingerprint,
    label,
    misjudged,
    refusal,
    scans,
    worst,
)
from exporter.collectors._neo4j_plan_shown import shown
from exporter.errors import Reason
from exporter.metrics import Histogram, counter, gauge, histogram
from exporter.sources.neo4j_plan import Plan, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.evidence import Evidence
    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

INDEXES = """
SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, state
WHERE state = 'ONLINE'
RETURN name, type AS kind, entityType AS entity, labelsOrTypes AS labels, properties"""

_INTERVAL = 60.0
_BOUNDS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3),
    *(0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
)
_STATUSES = (
    *("ok", "explain_failed", "profile_failed", "profile_timeout"),
    *("refused_not_read", "refused_side_effects", "refused_rows"),
)

STATUS = gauge(
    "neo4j_plan_status",
    "What came of EXPLAIN and, if asked for, PROFILE: 1 for the status that holds.",
    *("query", "status"),
)
SCAN = gauge(
    "neo4j_plan_scan",
    "EXPLAIN: 1 if the query reads all of a label, a type, an index or the graph.",
    "query",
)
VIOLATED = gauge(
    "neo4j_plan_must_seek_violated",
    "EXPLAIN: 1 if the query scans although its configuration says must_seek.",
    "query",
)
REGRESSED = gauge(
    "neo4j_plan_regressed",
    "EXPLAIN: 1 if the query scans and has not since we watch it; of queries whose "
    "configuration does not say must_seek.",
    "query",
)
ESTIMATE = gauge(
    "neo4j_plan_estimated_rows", "EXPLAIN: rows that the planner expects.", "query"
)
OPERATORS = gauge(
    "neo4j_plan_operators", "EXPLAIN: operators in the plan.", "query", "operator"
)
CHANGES = counter(
    "neo4j_plan_changes_total",
    "EXPLAIN: how often the plan was another one than at the poll before.",
    "query",
)
INFO = gauge(
    "neo4j_plan_info",
    "The plan now: its operator with the most database hits (without PROFILE: rows "
    "expected), a hash of operators and indexes, and what would spare its scans, as "
    "far as the plan shows; always 1.",
    *("query", "worst_operator", "plan_hash", "remedy"),
)
INDEX = gauge(
    "neo4j_plan_index",
    "EXPLAIN: 1 for each index that the plan reads, as far as it says which.",
    *("query", "kind", "label", "properties"),
)
HITS = gauge("neo4j_plan_db_hits", "PROFILE: database hits of all operators.", "query")
ROWS = gauge("neo4j_plan_rows", "PROFILE: rows that the query gave.", "query")
ERROR = gauge(
    "neo4j_plan_estimate_error_ratio",
    "PROFILE: the factor between the rows that the planner expected and those there "
    "were, of the operator where it is greatest; 1 is exact.",
    "query",
)
PAGE_HITS = gauge(
    "neo4j_plan_page_hits",
    "SHOW TRANSACTIONS, of the PROFILE's own: pages of the store found in memory.",
    "query",
)
PAGE_FAULTS = gauge(
    "neo4j_plan_page_faults",
    "SHOW TRANSACTIONS, of the PROFILE's own: pages of the store that it had to load.",
    "query",
)
DURATION = histogram(
    "neo4j_query_duration_seconds",
    "PROFILE: wall time of our own runs, rows received; one that was cut short counts "
    "with the time it had taken.",
    "query",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One configured query: its plan, and its run or why it was not run."""

    query: str
    must_seek: bool
    plan: Plan | Refusal
    run: Plan | Refusal | None = None
    refused: str | None = None


@dataclass(slots=True)
class Memory:
    """A query's latest plan, how often it changed, and the times of its runs.

    `sought` says that it did without a scan at least once.
    """

    plan_hash: str | None = None
    sought: bool = False
    changes: int = 0
    durations: Histogram = field(default_factory=lambda: Histogram(_BOUNDS))


async def read(source: Neo4jSource) -> list[Reading]:
    """Explain every query, then run those that are to be profiled and may be."""
    queries = source.config.watched
    plans = [await source.explain(one.cypher, one.parameters) for one in queries]
    readings: list[Reading] = []
    for one, plan in zip(queries, plans, strict=True):
        reading = Reading(one.name, one.must_seek, plan)
        if one.profile and isinstance(plan, Plan):
            refused = refusal(one.cypher, plan)
            run = None
            if refused is None:
                run = await source.profile(one.cypher, one.parameters)
            reading = replace(reading, run=run, refused=refused)
        readings.append(reading)
    return readings


def samples(readings: Sequence[Reading], state: dict[str, Memory]) -> Iterator[Sample]:
    """Turn plans into samples; what a refused query would say is absent."""
    for reading in readings:
        name = reading.query
        memory = state.setdefault(name, Memory())
        found = _status(reading)
        for known in _STATUSES:
            yield STATUS(int(found == known), name, known)
        if isinstance(reading.plan, Plan):
            yield from _plan(reading, reading.plan, memory)
        yield CHANGES(memory.changes, name)
        yield from _run(reading, memory)


def _status(reading: Reading) -> str:
    if isinstance(reading.plan, Refusal):
        return "explain_failed"
    if isinstance(reading.run, Refusal):
        timeout = reading.run.reason is Reason.TIMEOUT
        return "profile_timeout" if timeout else "profile_failed"
    return reading.refused or "ok"


def _plan(reading: Reading, plan: Plan, memory: Memory) -> Iterator[Sample]:
    name = reading.query
    scanning = any(scans(one) for one in plan.operators)
    yield SCAN(int(scanning), name)
    memory.sought = memory.sought or not scanning
    if reading.must_seek:
        yield VIOLATED(int(scanning), name)
    else:
        yield REGRESSED(int(scanning and memory.sought), name)
    yield ESTIMATE(plan.operators[0].estimated_rows if plan.operators else None, name)
    for operator, count in Counter(label(one) for one in plan.operators).items():
        yield OPERATORS(count, name, operator)
    for index in dict.fromkeys(filter(None, map(used, plan.operators))):
        yield INDEX(1, name, *index)
    plan_hash = fingerprint(plan)
    memory.changes += memory.plan_hash not in (None, plan_hash)
    memory.plan_hash = plan_hash
    heavy = worst(reading.run if isinstance(reading.run, Plan) else plan)
    mend = remedy(plan) if scanning else ""
    yield INFO(1, name, label(heavy) if heavy else "", plan_hash, mend)


def _run(reading: Reading, memory: Memory) -> Iterator[Sample]:
    run, name = reading.run, reading.query
    if isinstance(run, Plan):
        yield HITS(sum(one.db_hits or 0 for one in run.operators), name)
        yield ROWS(run.operators[0].rows if run.operators else None, name)
        yield ERROR(misjudged(run), name)
        if run.pages is not None:
            yield PAGE_HITS(run.pages.hits, name)
            yield PAGE_FAULTS(run.pages.faults, name)
        memory.durations.observe(run.seconds)
    elif run is not None and run.reason is Reason.TIMEOUT:
        memory.durations.observe(run.seconds)
    if run is not None or any(memory.durations.counts):
        yield from DURATION.histogram(memory.durations, name)


def evidence(readings: Sequence[Reading]) -> Iterator[Evidence]:
    """Show each query's plan, and the indexes that would spare the scans in them."""
    yield from shown((reading.query, reading.plan, reading.run) for reading in readings)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Name the queries that scan against their promise, fail or may not be run."""
    findings: list[Finding] = []
    for reading in await read(source):
        plan, name, status = reading.plan, reading.query, _status(reading)
        if isinstance(plan, Refusal):
            findings.append(Finding(f"query {name}: {plan.message}", "mend its cypher"))
            continue
        if isinstance(reading.run, Refusal):
            why = reading.run.message
            fix = "mend its parameters, give it a LIMIT, or leave out profile: true"
            findings.append(Finding(f"query {name}: {status}: {why}", fix))
        elif reading.refused:
            why = f"query {name} is not run: {status}"
            findings.append(Finding(why, "leave out profile: true"))
        if reading.must_seek and any(scans(one) for one in plan.operators):
            proved = await _proved(source, name, plan)
            findings.append(Finding(f"query {name} scans{proved}", statement(plan)))
    return findings


async def _proved(source: Neo4jSource, name: str, plan: Plan) -> str:
    """Try by EXPLAIN which further predicate makes an index serve that is there."""
    (query,) = (one for one in source.config.watched if one.name == name)
    indexes = await source.fetch(Covers, INDEXES)
    for rewrite in rewrites(query.cypher, plan, indexes):
        other = await source.explain(rewrite.cypher, query.parameters)
        if isinstance(other, Plan) and not any(map(scans, other.operators)):
            return f", but seeks (proved by EXPLAIN) with AND {rewrite.predicate}"
    return ""


COLLECTOR = Collector(
    name="plans",
    source=SourceKind.NEO4J,
    metrics=(
        *(STATUS, SCAN, VIOLATED, REGRESSED, ESTIMATE, OPERATORS, CHANGES, INFO),
        *(INDEX, HITS, ROWS, ERROR, PAGE_HITS, PAGE_FAULTS, DURATION),
    ),
    read=read,
    samples=samples,
    state=dict[str, Memory],
    privilege="any user on Community; on Enterprise MATCH on what the queries read",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
    evidence=evidence,
)
