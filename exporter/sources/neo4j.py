"""Neo4j over Bolt: one kept connection, read-only queries, typed rows, query plans."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self, TypeVar

from neo4j import READ_ACCESS, AsyncGraphDatabase, Query
from neo4j.exceptions import Neo4jError

from exporter import __version__
from exporter.config import Neo4jTarget
from exporter.errors import Reason, SourceError
from exporter.secret import read_secret
from exporter.sources.base import Source
from exporter.sources.neo4j_calendar import shrink
from exporter.sources.neo4j_errors import classify
from exporter.sources.neo4j_login import FailedLogin
from exporter.sources.neo4j_plan import Plan, Refusal, parse
from exporter.sources.neo4j_rows import Server, bounded, places, plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from neo4j import Address, AsyncDriver, AsyncSession, AsyncTransaction

RowT = TypeVar("RowT")
ResultT = TypeVar("ResultT")

_WARM_UP = 10.0  # a server that has just started compiles its first queries for seconds
_GOODBYE = 1.0
_MARK = {"app": "kpi-exporter"}
_COMPONENTS = """
CALL dbms.components() YIELD name, versions, edition
WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version, edition
"""

# All that goes wrong reaches us as an error; the driver's own log lines would say it
# twice, and its hints about queries are for those who write them.
logging.getLogger("neo4j").setLevel(logging.CRITICAL)


class Neo4jSource(Source[Neo4jTarget]):
    """A Neo4j server; up means that the first of its `databases` answers.

    After a failed login no other one is tried for 5 minutes or until the secret has
    changed: three failures lock the user for everybody, not only for us. `clock` gives
    monotonic seconds.
    """

    def __init__(self, config: Neo4jTarget) -> None:
        """Keep the target's settings; nothing is opened yet."""
        super().__init__(config)
        shrink()
        self.clock: Callable[[], float] = _now
        self._server: Server | None = None
        self._driver: AsyncDriver | None = None
        self._secret: str | None = None
        self._failed = FailedLogin()
        self._may_open = False
        self._tried: set[object] = set()
        self._until = 0.0
        self._longest = 0.0
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def server(self) -> Server:
        """What the connected server is; raises SourceError when none is connected."""
        if self._server is None:
            raise SourceError(Reason.CONNECT, f"{self.config.uri} is not connected")
        return self._server

    @property
    def connections(self) -> int:
        """Connections to the server that are open now."""
        return int(self._driver is not None)

    async def connect(self, timeout: float) -> None:
        """Make sure that the database answers; raises SourceError.

        A kept connection that has died is replaced. On a new one Bolt has to answer in
        time, but the database's first answer is waited for longer.
        """
        if self._server is not None:
            try:
                await self._within(self._ask(), timeout)
            except SourceError as error:
                if error.reason is not Reason.CONNECT or error.answered:
                    raise
            else:
                return
        await super().connect(timeout)
        await self._within(self._meet(), max(timeout, _WARM_UP))

    async def run(
        self, read: Callable[[Self], Awaitable[ResultT]], timeout: float
    ) -> ResultT:
        """Run a collector's `read` within `timeout` seconds; raises SourceError.

        Its first run on a connection may take longer: a server that has just started
        takes seconds for the first query of a kind.
        """
        bound = timeout if read in self._tried else max(timeout, _WARM_UP)
        self._until, self._longest = self.clock() + bound, timeout / 2
        result = await super().run(read, bound)
        self._tried.add(read)
        return result

    async def fetch(
        self,
        row: type[RowT],
        cypher: str,
        parameters: Mapping[str, object] | None = None,
        database: str | None = None,
    ) -> list[RowT]:
        """Read rows into the dataclass `row`, columns matched by name.

        A column that the server does not have is None. Moments become Unix seconds,
        durations seconds. Without `database` the first of the target's is asked. Raises
        what the driver raises, and SourceError(limit) above 10,000 records.
        """
        self.queries += 1
        async with self._session(database) as session:
            result = await session.run(self._query(cypher), dict(parameters or {}))
            columns = places(row, result.keys())
            return [
                row(*(plain(values[at]) if at >= 0 else None for at in columns))
                async for values in bounded(result)
            ]

    async def explain(
        self, cypher: str, parameters: Mapping[str, object]
    ) -> Plan | Refusal:
        """Ask for a query's plan without running it.

        What the server refuses is returned; only a lost connection is raised.
        """
        return await self._settle(self._explain(cypher, parameters))

    async def profile(
        self, cypher: str, parameters: Mapping[str, object]
    ) -> Plan | Refusal:
        """Run a query in a read transaction that is rolled back, and return its plan.

        It may take half of the time that the poll has left, so that one slow query
        leaves room for others; then it is ended here and on the server, and refused
        with `timeout`. At most 10,000 rows.
        """
        budget = min(self._longest, (self._until - self.clock()) / 2)
        return await self._settle(self._profile(cypher, parameters, budget))

    def discard(self) -> None:
        """Throw the connection away at once, without waiting for the server."""
        driver, self._driver, self._server = self._driver, None, None
        self._tried.clear()
        if driver is not None:
            task = asyncio.create_task(_close(driver))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close in good order; never waits longer than a second for the server."""
        self.discard()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_GOODBYE)

    async def _connect(self) -> None:
        """Log in, unless that has failed lately with the same secret."""
        if self._driver is not None:
            return
        self._secret = await read_secret(self.config)
        self._failed.check(self._secret, self.clock())
        self._may_open = True
        user = self.config.user
        self._driver = AsyncGraphDatabase.driver(
            direct(self.config.uri),
            resolver=self._open,
            auth=None if user is None else (user, self._secret or ""),
            user_agent=f"kpi-exporter/{__version__}",
            telemetry_disabled=True,
            max_connection_pool_size=1,
            max_connection_lifetime=-1,
        )
        await self._driver.verify_connectivity()

    def _open(self, address: Address) -> list[Address]:
        """Let the driver open one connection, and none behind our back.

        After a loss it would log in with a secret that may be old, to a server that may
        be of another version by now.
        """
        if not self._may_open:
            text = f"the connection to {self.config.uri} was lost"
            raise SourceError(Reason.CONNECT, text)
        self._may_open = False
        return [address]

    async def _meet(self) -> None:
        """Let the database answer for the first time, and learn what it is."""
        await self._ask()
        self._server = (await self.fetch(Server, _COMPONENTS))[0]

    async def _ask(self) -> None:
        self.queries += 1
        async with self._session() as session:
            await (await session.run(self._query("RETURN 1"))).consume()

    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        return await read(self)

    async def _settle(self, work: Awaitable[Plan]) -> Plan | Refusal:
        """Return what the server refused, so that it does not end the whole poll."""
        self.queries += 1
        started = _now()
        try:
            return await work
        except Exception as error:
            refused = error if isinstance(error, SourceError) else self._classify(error)
            if not refused.answered:
                raise
        return Refusal(refused.reason, str(refused), _now() - started)

    async def _explain(self, cypher: str, parameters: Mapping[str, object]) -> Plan:
        async with self._session() as session:
            text = self._query(f"EXPLAIN {cypher}")
            result = await session.run(text, dict(parameters))
            summary = await result.consume()
        return Plan(parse(summary.plan or {}), summary.query_type)

    async def _profile(
        self, cypher: str, parameters: Mapping[str, object], budget: float
    ) -> Plan:
        try:
            async with asyncio.timeout(budget), self._session() as session:
                begun = await session.begin_transaction(metadata=_MARK, timeout=budget)
                async with begun as transaction:
                    return await _drain(transaction, f"PROFILE {cypher}", parameters)
        except TimeoutError as error:
            self._may_open = True  # the driver has closed the one that was waiting
            text = f"not done within {budget:.1f} s"
            raise SourceError(Reason.TIMEOUT, text, answered=True) from error

    def _query(self, text: str) -> Query:
        longest = max(self.config.deadline, _WARM_UP)
        return Query(text, timeout=longest, metadata=_MARK)

    def _session(self, database: str | None = None) -> AsyncSession:
        if self._driver is None:
            raise SourceError(Reason.CONNECT, f"{self.config.uri} is not connected")
        return self._driver.session(
            database=database or self.config.databases[0],
            default_access_mode=READ_ACCESS,
            disable_auto_commit_retries=True,
        )

    def _classify(self, error: Exception) -> SourceError:
        classified = classify(error, self.config.uri)
        if classified.reason is Reason.AUTH:
            self._failed.note(self._secret, classified, self.clock())
        return classified


SOURCE = Neo4jSource


def direct(uri: str) -> str:
    """Return the URI without routing: figures are those of one server."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme.replace('neo4j', 'bolt')}://{rest}"


def _now() -> float:
    """Return seconds that never jump."""
    return asyncio.get_running_loop().time()


async def _drain(
    transaction: AsyncTransaction, cypher: str, parameters: Mapping[str, object]
) -> Plan:
    """Run a query and take in all its rows; undrained, it would have no figures."""
    started = _now()
    result = await transaction.run(cypher, dict(parameters))
    try:
        async for _ in bounded(result):
            pass
    except SourceError:
        with contextlib.suppress(Neo4jError):  # it complains of being cut short
            await result.consume()
        raise
    seconds = _now() - started
    summary = await result.consume()
    await transaction.rollback()
    return Plan(parse(summary.profile or {}), summary.query_type, seconds)


async def _close(driver: AsyncDriver) -> None:
    with contextlib.suppress(Exception):  # it is thrown away; the server may be gone
        await asyncio.wait_for(driver.close(), _GOODBYE)
