"""Which transactions run, how long, who waits for whom; and how many were begun.

neo4j_transactions{database="neo4j",state="idle"} 1
neo4j_transactions_longest_seconds{database="neo4j",state="idle",agent="app/2"} 81.7
neo4j_transactions_blocking{database="neo4j",agent="app/2"} 1
neo4j_transactions_longest_wait_seconds{database="neo4j"} 12.5
neo4j_transaction_age_seconds_bucket{database="neo4j",le="1.0"} 2040
neo4j_transactions_memory_bytes{database="neo4j",agent="app/2"} 2097152
neo4j_transactions_page_hits{database="neo4j"} 812
neo4j_transactions_page_faults{database="neo4j"} 4
neo4j_transactions_begun_total{database="neo4j"} 10423
neo4j_queries_total 11004

Our own are left out everywhere. The 20 agents with most transactions keep their names.
Community has no counter of its work, but it numbers transactions and queries as they
begin: that gives the last two, unless a version names them in another way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Finding, SourceKind
from exporter.collectors._neo4j_clients import (
    CLIENTS,
    MOST_AGENTS,
    OTHER,
    Client,
    Foreign,
    agent,
    highest,
)
from exporter.collectors._neo4j_transaction import (
    OWN,
    STATES,
    TRANSACTIONS,
    Transaction,
    table,
)
from exporter.metrics import Histogram, counter, gauge, histogram
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exporter.evidence import Evidence
    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

_BOUNDS = (
    *(0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0),
    *(120.0, 300.0, 600.0, 1800.0, 3600.0),
)

COUNT = gauge(
    "neo4j_transactions",
    "SHOW TRANSACTIONS: transactions by state; one that is open and runs no query now "
    "is `idle`, one that waits for a lock is `blocked`.",
    *("database", "state"),
)
LONGEST = gauge(
    "neo4j_transactions_longest_seconds",
    "elapsedTime of SHOW TRANSACTIONS: age of the oldest transaction; agent as "
    "dbms.listConnections has it.",
    *("database", "state", "agent"),
)
BLOCKING = gauge(
    "neo4j_transactions_blocking",
    "status of SHOW TRANSACTIONS: transactions whose locks others wait for.",
    *("database", "agent"),
)
WAIT = gauge(
    "neo4j_transactions_longest_wait_seconds",
    "waitTime of SHOW TRANSACTIONS: longest time that one has waited for locks which "
    "waits now; 0 if none does.",
    "database",
)
AGE = histogram(
    "neo4j_transaction_age_seconds",
    "elapsedTime of SHOW TRANSACTIONS: ages of what runs, seen anew at every poll; one "
    "that begins and ends between two polls is not in it.",
    "database",
)
MEMORY = gauge(
    "neo4j_transactions_memory_bytes",
    "estimatedUsedHeapMemory of SHOW TRANSACTIONS: heap reserved, 2 MiB or more each.",
    *("database", "agent"),
)
HITS = gauge(
    "neo4j_transactions_page_hits",
    "pageHits of SHOW TRANSACTIONS: pages that those running now found in memory.",
    "database",
)
FAULTS = gauge(
    "neo4j_transactions_page_faults",
    "pageFaults of SHOW TRANSACTIONS: pages that those running now had to load.",
    "database",
)
BEGUN = counter(
    "neo4j_transactions_begun_total",
    "The number in transactionId of SHOW TRANSACTIONS, since we watch and less our "
    "own: transactions begun, reads, writes and the server's own.",
    "database",
)
QUERIES = counter(
    "neo4j_queries_total",
    "The number in currentQueryId of SHOW TRANSACTIONS, since we watch and less our "
    "own: queries begun in all databases.",
)


class Reading(NamedTuple):
    """What runs; who runs it; and how much of it all we have sent ourselves."""

    names: Sequence[str]
    rows: list[Transaction]
    clients: list[Client]
    begun: Mapping[str, int]
    queries: int


@dataclass(slots=True)
class Memory:
    """Agents with names of their own, ages so far, and what others have begun."""

    top: StickyTop[str] = field(default_factory=StickyTop)
    ages: dict[str, Histogram] = field(default_factory=dict)
    begun: dict[str, Foreign] = field(default_factory=dict)
    queries: Foreign = field(default_factory=Foreign)


async def read(source: Neo4jSource) -> Reading:
    """Read all transactions; who runs them only when somebody else does.

    Where we may not list connections, all agents are `other`.
    """
    first, *others = names = source.config.databases
    rows = await source.show(Transaction, TRANSACTIONS, database=first)
    for database in others:
        own = await source.show(Transaction, OWN, database=database)
        rows += [row for row in own if row.database == database]
    # What is read below comes after the numbers in these rows.
    begun, queries = dict(source.begun), source.queries
    clients: list[Client] = []
    if not all(row.ours for row in rows):
        clients = await source.fetch_if_allowed(Client, CLIENTS)
    return Reading(names, rows, clients, begun, queries)


def samples(reading: Reading, state: Memory) -> Iterator[Sample]:
    """Sum what runs by database, and count on from the numbers in the ids."""
    rows = [row for row in reading.rows if not row.ours]
    agents = _agents(rows, reading.clients, state)
    for name in dict.fromkeys((*reading.names, *(row.database for row in rows))):
        here = [row for row in rows if row.database == name]
        states = Counter(row.state for row in here)
        for known in STATES:
            yield COUNT(states[known], name, known)
        yield from _oldest(name, here, agents)
        yield from _waits(name, here, agents)
        yield from _memory(name, here, agents)
        yield HITS(_sum(row.hits for row in here), name)
        yield FAULTS(_sum(row.faults for row in here), name)
        ages = state.ages.setdefault(name, Histogram(_BOUNDS))
        for row in here:
            if row.age is not None:
                ages.observe(row.age)
        yield from AGE.histogram(ages, name)
    yield from _throughput(reading, state)


def _agents(
    rows: Iterable[Transaction], clients: Iterable[Client], state: Memory
) -> dict[str, str]:
    """Return the agent of each transaction by id; rare ones are `other`."""
    named = {client.id: agent(client.agent) for client in clients}
    found = {row.id: named.get(row.connection, OTHER) for row in rows}
    kept = state.top.update(Counter(found.values()), MOST_AGENTS)
    return {id_: name if name in kept else OTHER for id_, name in found.items()}


def _oldest(
    name: str, rows: Iterable[Transaction], agents: Mapping[str, str]
) -> Iterator[Sample]:
    oldest: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row.state, agents[row.id])
        oldest[key] = max(oldest.get(key, 0.0), row.age or 0.0)
    for key, age in oldest.items():
        yield LONGEST(age, name, *key)


def _waits(
    name: str, rows: Sequence[Transaction], agents: Mapping[str, str]
) -> Iterator[Sample]:
    blocked = [row for row in rows if row.state == "blocked"]
    blocking = {id_ for row in blocked for id_ in row.blockers}
    who = Counter(agents[row.id] for row in rows if row.id in blocking)
    for one, count in who.items():
        yield BLOCKING(count, name, one)
    yield WAIT(max((row.waited or 0.0 for row in blocked), default=0.0), name)


def _memory(
    name: str, rows: Sequence[Transaction], agents: Mapping[str, str]
) -> Iterator[Sample]:
    """Add up by agent; `other` is always there, so that none at all is 0."""
    if _sum(row.memory for row in rows) is None:
        return
    for one in dict.fromkeys((OTHER, *(agents[row.id] for row in rows))):
        total = _sum(row.memory for row in rows if agents[row.id] == one)
        yield MEMORY(total, name, one)


def _sum(values: Iterable[int | None]) -> int | None:
    """Add up; without any figure of a row there is none of all, without rows 0."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if known or not found else None


def _throughput(reading: Reading, state: Memory) -> Iterator[Sample]:
    for name in reading.names:
        ids = (row.id for row in reading.rows if row.database == name)
        begun = highest(ids, f"{name}-transaction")
        if begun is not None:
            foreign = state.begun.setdefault(name, Foreign())
            yield BEGUN(foreign.count(begun, reading.begun.get(name, 0)), name)
    queries = highest((row.query for row in reading.rows), "query")
    if queries is not None:
        yield QUERIES(state.queries.count(queries, reading.queries))


def evidence(reading: Reading) -> Iterable[Evidence]:
    """Show who has been at work for a second or more, waiters below whom they await."""
    named = {client.id: client.agent for client in reading.clients}
    yield table([row for row in reading.rows if not row.ours], named)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Say what this version's columns and ids do not tell."""
    lacking = TRANSACTIONS.lacking(await source.columns(TRANSACTIONS.command))
    findings = [
        Finding(f"{field} of each transaction", "a newer Neo4j") for field in lacking
    ]
    reading = await read(source)
    counted = {sample.metric for sample in _throughput(reading, Memory())}
    if counted != {BEGUN, QUERIES}:
        missing = "transactions and queries begun: the ids are not numbered as known"
        findings.append(Finding(missing, "a version of Neo4j that this exporter knows"))
    return findings


COLLECTOR = Collector(
    name="transactions",
    source=SourceKind.NEO4J,
    metrics=(
        *(COUNT, LONGEST, BLOCKING, WAIT, AGE, MEMORY, HITS, FAULTS),
        *(BEGUN, QUERIES),
    ),
    read=read,
    samples=samples,
    state=Memory,
    privilege="any user on Community; SHOW TRANSACTION (*) ON DATABASE * on Enterprise",
    inspect=inspect,
    evidence=evidence,
)
