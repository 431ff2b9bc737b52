"""Who is connected to the server, and how many connections it has accepted.

neo4j_connections{connector="bolt",agent="neo4j-java/5"} 12
neo4j_connections_accepted_total 841

Our own are left out. The 20 agents with most connections keep their names. What a
client keeps in its pool without using it looks like any other connection: from here
nobody sees who waits for one of its own pool.
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
    OURS,
    Client,
    Foreign,
    agent,
    highest,
    number,
)
from exporter.metrics import counter, gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

_CONNECTORS = ("bolt", "http", "https")

CONNECTIONS = gauge(
    "neo4j_connections",
    "dbms.listConnections: open connections by connector and userAgent, which is cut "
    "down to name and major version.",
    *("connector", "agent"),
)
ACCEPTED = counter(
    "neo4j_connections_accepted_total",
    "The highest number in connectionId of dbms.listConnections, since we watch and "
    "less our own: connections accepted, as far as a later one is still open.",
)


class Reading(NamedTuple):
    """The open connections, and how many we have opened ourselves."""

    rows: list[Client]
    opened: int


@dataclass(slots=True)
class Memory:
    """Agents with names of their own, the numbers so far, and what others opened."""

    top: StickyTop[str] = field(default_factory=StickyTop)
    own: int | None = None
    highest: int = 0
    accepted: Foreign = field(default_factory=Foreign)


async def read(source: Neo4jSource) -> Reading:
    """Read the connections that are open now."""
    return Reading(await source.fetch_once(Client, CLIENTS), source.opened)


def samples(reading: Reading, state: Memory) -> Iterator[Sample]:
    """Count connections by client, and count on from the highest number."""
    others = [row for row in reading.rows if not _is_ours(row)]
    found = Counter((_connector(row), agent(row.agent)) for row in others)
    by_agent = Counter[str]()
    for (_, name), count in found.items():
        by_agent[name] += count
    kept = state.top.update(by_agent, MOST_AGENTS)
    shown = Counter[tuple[str, str]]()
    for (connector, name), count in found.items():
        shown[connector, name if name in kept else OTHER] += count
    for labels, count in shown.items():
        yield CONNECTIONS(count, *labels)
    now = _highest(reading.rows, state)
    if now is not None:
        yield ACCEPTED(state.accepted.count(now, reading.opened))


def _highest(rows: Sequence[Client], state: Memory) -> int | None:
    """Return the highest number yet; the highest that is open may fall at any time.

    Only after a new start of the server is our own connection's below the one before.
    """
    found = (number(row.id, row.connector or "") for row in rows)
    now = max((one for one in found if one is not None), default=None)
    own = highest((row.id for row in rows if _is_ours(row)), "bolt")
    if now is None or own is None:
        return None
    if state.own is not None and own < state.own:
        state.highest = 0
    state.own, state.highest = own, max(now, state.highest)
    return state.highest


def _is_ours(row: Client) -> bool:
    return (row.agent or "").startswith(f"{OURS}/")


def _connector(row: Client) -> str:
    return row.connector if row.connector in _CONNECTORS else OTHER


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Say when this version's ids are not numbered as known."""
    if _highest((await read(source)).rows, Memory()) is None:
        missing = "connections accepted: the ids are not numbered as known"
        return [Finding(missing, "a version of Neo4j that this exporter knows")]
    return []


COLLECTOR = Collector(
    name="connections",
    source=SourceKind.NEO4J,
    metrics=(CONNECTIONS, ACCEPTED),
    read=read,
    samples=samples,
    state=Memory,
    privilege="any user on Community; EXECUTE PROCEDURE dbms.listConnections and an "
    "admin's rights to see all on Enterprise",
    inspect=inspect,
)
