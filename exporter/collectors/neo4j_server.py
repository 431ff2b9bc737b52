"""What the server is, and whether its databases and their copies are online.

neo4j_info{version="5.26.31",edition="community",language="5"} 1
neo4j_database_status{database="neo4j",status="online"} 1
neo4j_transactions_committed_total{database="neo4j"} 90412
neo4j_database_copies_missing{database="neo4j"} 0
neo4j_database_replication_lag_transactions{database="neo4j"} 12

All databases of the server, the configured ones first, at most 100.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, Finding, SourceKind, stateless
from exporter.metrics import counter, gauge
from exporter.sources.neo4j_show import Show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource
    from exporter.sources.neo4j_rows import Server

DATABASES = Show(
    "SHOW DATABASES",
    {
        "name": "name",
        "status": "currentStatus",
        "asked": "requestedStatus",
        "committed": "lastCommittedTxn",
        "behind": "replicationLag",
        "primaries": "currentPrimariesCount",
        "secondaries": "currentSecondariesCount",
        "asked_primaries": "requestedPrimariesCount",
        "asked_secondaries": "requestedSecondariesCount",
    },
)

_MOST = 100
_STATUSES = (
    *("online", "offline", "stopped", "starting", "stopping", "store_copying"),
    *("quarantined", "dirty", "unknown", "other"),
)

INFO = gauge(
    "neo4j_info",
    "dbms.components, and the number of the Cypher that the database takes a query to "
    "be in; always 1.",
    *("version", "edition", "language"),
)
STATUS = gauge(
    "neo4j_database_status",
    "currentStatus of SHOW DATABASES: copies of the database in this status, so 0 or 1 "
    "outside of a cluster; `stopped` is offline because it was asked to be.",
    *("database", "status"),
)
COMMITTED = counter(
    "neo4j_transactions_committed_total",
    "lastCommittedTxn of SHOW DATABASES: number of the last write that was committed, "
    "on the member that is furthest; Community does not tell.",
    "database",
)
MISSING = gauge(
    "neo4j_database_copies_missing",
    "SHOW DATABASES: copies that were asked for less those there are, primaries and "
    "secondaries; Community and versions before 5 do not tell.",
    "database",
)
BEHIND = gauge(
    "neo4j_database_replication_lag_transactions",
    "replicationLag of SHOW DATABASES: transactions by which the copy furthest behind "
    "is late; 0 outside of a cluster.",
    "database",
)


_UNTOLD = {
    COMMITTED: "counts of transactions that were committed or rolled back (those begun "
    "are counted, by the numbers in their ids)",
    MISSING: "copies of a database that were asked for and are not there",
    BEHIND: "transactions by which a copy of a database is late",
}


@dataclass(frozen=True, slots=True)
class Database:
    """One copy of a database, what it does now, and how many copies there should be.

    `behind` is 0 or less.
    """

    name: str
    status: str
    committed: int | None = None
    asked: str | None = None
    behind: int | None = None
    primaries: int | None = None
    secondaries: int | None = None
    asked_primaries: int | None = None
    asked_secondaries: int | None = None

    @property
    def missing(self) -> int | None:
        """Return how many copies are missing; None where nobody asked for a number."""
        pairs = (
            (self.asked_primaries, self.primaries),
            (self.asked_secondaries, self.secondaries),
        )
        known = [
            max(0, asked - there)
            for asked, there in pairs
            if asked is not None and there is not None
        ]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one poll has read; `names` are those that must be there."""

    server: Server
    names: Sequence[str]
    databases: list[Database]


async def read(source: Neo4jSource) -> Reading:
    """Read the statuses of the databases."""
    names = [*source.config.databases, "system"]
    return Reading(source.server, names, await source.show(Database, DATABASES))


def samples(reading: Reading, _state: None) -> Iterator[Sample]:
    """Turn rows into samples; what the edition does not tell is absent."""
    yield INFO(1, *reading.server)
    copies = Counter((row.name, _status(row)) for row in reading.databases)
    others = sorted({row.name for row in reading.databases})
    for name in [*dict.fromkeys((*reading.names, *others))][:_MOST]:
        for status in _STATUSES:
            yield STATUS(copies[name, status], name, status)
        rows = [row for row in reading.databases if row.name == name]
        yield COMMITTED(_most(row.committed for row in rows), name)
        yield MISSING(_most(row.missing for row in rows), name)
        late = (None if row.behind is None else -row.behind for row in rows)
        yield BEHIND(_most(late), name)


def _most(numbers: Iterable[int | None]) -> int | None:
    return max((one for one in numbers if one is not None), default=None)


def _status(row: Database) -> str:
    status = row.status.lower().replace(" ", "_")
    if status == "offline" and (row.asked or "").lower() == "offline":
        return "stopped"
    return status if status in _STATUSES else "other"


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Name the figures that this edition or version does not tell."""
    reading = await read(source)
    told = {one.metric for one in samples(reading, None) if one.value is not None}
    version, edition, _ = reading.server
    return [
        Finding(f"{what}: Neo4j {version} {edition} does not tell")
        for metric, what in _UNTOLD.items()
        if metric not in told
    ]


COLLECTOR = Collector(
    name="server",
    source=SourceKind.NEO4J,
    metrics=(INFO, STATUS, COMMITTED, MISSING, BEHIND),
    read=read,
    samples=samples,
    state=stateless,
    privilege="any user; those databases are seen that the user may enter",
    inspect=inspect,
)
