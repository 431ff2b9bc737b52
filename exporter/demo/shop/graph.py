"""The shop's Neo4j: nodes, indexes, and the queries that the shop sends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import neo4j

from exporter.catalogue import indexes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Graph as Place
    from exporter.demo.shop.instruments import Instruments

EXECUTIONS = 10_000
USERS = 200
_BATCH = 2000

BY_CODE_HASH: LiteralString = (
    "MATCH (e:ExecutionResult) WHERE e.code_hash = $code_hash"
    " RETURN e.timestamp AS at, e.language AS language LIMIT 20"
)
BY_USER: LiteralString = (
    "MATCH (e:ExecutionResult) WHERE e.user_id = $user_id"
    " RETURN e.timestamp AS at, e.code_hash AS code_hash"
)
AUDIT_SINCE: LiteralString = (
    "MATCH (a:AuditEvent) WHERE a.timestamp >= $since"
    " RETURN a.event_type AS event, a.user_id AS user LIMIT 1000"
)
RUNS_OF_USER: LiteralString = (
    "MATCH (e:ExecutionResult) WHERE e.user_id = $user_id RETURN count(e) AS runs"
)
_AUDIT: LiteralString = (
    "CREATE (:AuditEvent {timestamp: $at, user_id: $user_id, event_type: 'execute'})"
)


class Nodes(NamedTuple):
    """How to make the nodes of one label, numbered `n`, a batch at a time."""

    label: str
    amount: int
    create: LiteralString


_EVERYTHING = (
    Nodes(
        "ExecutionResult",
        EXECUTIONS,
        "CREATE (:ExecutionResult {code_hash: 'code-' + (n / 2), timestamp: n,"
        " language: 'python', user_id: 'user-' + (n % $users)})",
    ),
    Nodes(
        "AuditEvent",
        2 * EXECUTIONS,
        "CREATE (:AuditEvent {timestamp: n, user_id: 'user-' + (n % $users),"
        " event_type: 'login'})",
    ),
    Nodes(
        "LintResult",
        EXECUTIONS // 2,
        "CREATE (:LintResult {code_hash: 'code-' + n, timestamp: n})",
    ),
    Nodes("TestResult", EXECUTIONS // 2, "CREATE (:TestResult {timestamp: n})"),
)


def index_name(label: str, properties: tuple[str, ...]) -> str:
    """Return the name under which the demo makes an index."""
    return "_".join((label, *properties)).lower()


def index_statements() -> tuple[str, ...]:
    """Return the statements that make the ten expected indexes and the one they lack.

    The ten do not serve "executions by user": a composite index is used only when every
    property of it is asked for.
    """
    expected = [(e.label, e.properties) for e in indexes.of_labels("ultimate-mcp")]
    return tuple(
        f"CREATE INDEX {index_name(label, properties)} IF NOT EXISTS FOR (n:{label})"
        f" ON ({', '.join(f'n.{name}' for name in properties)})"
        for label, properties in (*expected, ("ExecutionResult", ("user_id",)))
    )


def driver(place: Place, agent: str = "storefront/1.0") -> neo4j.AsyncDriver:
    """Make a driver for a place that calls itself `agent`; nothing is opened yet."""
    return neo4j.AsyncGraphDatabase.driver(
        place.uri,
        auth=(place.user, place.password),
        user_agent=agent,
        notifications_min_severity="OFF",
    )


async def build(place: Place) -> None:
    """Make nodes and indexes in an empty database, and wait until they are online."""
    async with driver(place) as connection:
        for nodes in _EVERYTHING:
            for first in range(0, nodes.amount, _BATCH):
                await connection.execute_query(
                    "UNWIND range($first, $last) AS n " + nodes.create,
                    first=first,
                    last=min(first + _BATCH, nodes.amount) - 1,
                    users=USERS,
                )
        for statement in index_statements():
            await connection.execute_query(statement)
        await connection.execute_query("CALL db.awaitIndexes(60)")


@asynccontextmanager
async def without_index(place: Place, label: str, name: str) -> AsyncIterator[None]:
    """Drop the index on one property, and make it again when the context closes."""
    (create,) = [
        s for s in index_statements() if s.endswith(f"(n:{label}) ON (n.{name})")
    ]
    async with driver(place) as connection:
        await connection.execute_query(f"DROP INDEX {index_name(label, (name,))}")
    try:
        yield
    finally:
        async with driver(place) as connection:
            await connection.execute_query(create)
            await connection.execute_query("CALL db.awaitIndexes(60)")


class Graph:
    """The queries of the shop, each measured by kind and label."""

    def __init__(self, connection: neo4j.AsyncDriver, instruments: Instruments) -> None:
        """Use a driver."""
        self._driver = connection
        self._instruments = instruments

    async def _run(
        self, kind: str, table: str, query: LiteralString, **values: object
    ) -> list[dict[str, Any]]:
        with self._instruments.query(kind, table):
            answer = await self._driver.execute_query(query, values)
        return [record.data() for record in answer.records]

    async def warm_up(self) -> None:
        """Run each query a few times, so that the server has compiled it."""
        for _ in range(5):
            await self.by_code_hash("code-0")
            await self.by_user("user-0")
            await self.audit_since(2 * EXECUTIONS - 100)
            await self.audit("user-0", 2 * EXECUTIONS)

    async def by_code_hash(self, code_hash: str) -> list[dict[str, Any]]:
        """Find the executions of one piece of code."""
        return await self._run(
            "match", "ExecutionResult", BY_CODE_HASH, code_hash=code_hash
        )

    async def by_user(self, user: str) -> list[dict[str, Any]]:
        """Find a user's executions."""
        return await self._run("match", "ExecutionResult", BY_USER, user_id=user)

    async def audit_since(self, moment: int) -> list[dict[str, Any]]:
        """Find the latest audit events."""
        return await self._run("match", "AuditEvent", AUDIT_SINCE, since=moment)

    async def audit(self, user: str, moment: int) -> None:
        """Write down that a user ran something."""
        await self._run("create", "AuditEvent", _AUDIT, user_id=user, at=moment)
