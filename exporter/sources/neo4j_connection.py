"""Neo4j over Bolt: one kept connection, its login, and read-only queries on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, Self, TypeVar

from neo4j import READ_ACCESS, AsyncGraphDatabase, Query

from exporter import __version__
from exporter.config import Neo4jTarget
from exporter.errors import Reason, SourceError
from exporter.secret import read_secret
from exporter.sources.base import GOODBYE, Source
from exporter.sources.neo4j_errors import classify
from exporter.sources.neo4j_login import failed_login
from exporter.sources.neo4j_rows import (
    Kernel,
    Language,
    Server,
    Started,
    bounded,
    places,
    plain,
)
from exporter.sources.neo4j_tables import shrink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from neo4j import Address, AsyncDriver, AsyncSession

RowT = TypeVar("RowT")
ResultT = TypeVar("ResultT")

_WARM_UP = 10.0  # a server that has just started compiles its first queries for seconds
MARK = {"app": "kpi-exporter"}
_COMPONENTS = """
CALL dbms.components() YIELD name, versions, edition
WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version, edition
"""
_STARTED = """
CALL dbms.queryJmx('java.lang:type=Runtime') YIELD attributes
RETURN attributes.StartTime.value AS ms
"""
_LANGUAGE = """
SHOW DATABASES YIELD name, defaultLanguage WHERE name = $name
RETURN defaultLanguage AS name"""

# All that goes wrong reaches us as an error; the driver's own log lines would say it
# twice, and its hints about queries are for those who write them.
logging.getLogger("neo4j").setLevel(logging.CRITICAL)


class Neo4jConnection(Source[Neo4jTarget]):
    """A Neo4j server; up means that the first of its `databases` answers.

    After a failed login no other one is tried for 5 minutes or until the secret has
    changed: three failures lock the user for everybody, not only for us. `clock` gives
    monotonic seconds. `begun` counts the transactions that we sent, by database, and
    `opened` the connections: the server's own counts have them in.
    """

    def __init__(self, config: Neo4jTarget) -> None:
        """Keep the target's settings; nothing is opened yet."""
        super().__init__(config)
        shrink()
        self.clock: Callable[[], float] = now
        self.begun: Counter[str] = Counter()
        self._server: Server | None = None
        self._columns: dict[str, frozenset[str]] = {}
        self._refused: set[str] = set()
        self._shared: dict[tuple[object, ...], list[Any]] = {}
        self._driver: AsyncDriver | None = None
        self._started: Started | None = None
        self._trip: float | None = None
        self._secret: str | None = None
        self._failed = failed_login(config)
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
        time, but the database's first answer is waited for longer. A new round begins.
        """
        self._shared.clear()
        if self._server is not None:
            try:
                self._trip = await self._within(self._ask(), timeout)
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

        A column that the server does not have is None. Durations become seconds.
        Without `database` the first of the target's is asked. Raises what the driver
        raises, and SourceError(limit) above 10,000 records.
        """
        async with self._session(database) as session:
            result = await session.run(self._query(cypher), dict(parameters or {}))
            columns = places(row, result.keys())
            return [
                row(*(plain(values[at]) if at >= 0 else None for at in columns))
                async for values in bounded(result)
            ]

    async def columns(self, command: str) -> frozenset[str]:
        """Return the columns that a SHOW command has on the connected server."""
        if command not in self._columns:
            async with self._session() as session:
                result = await session.run(self._query(f"{command} YIELD * LIMIT 0"))
                self._columns[command] = frozenset(result.keys())
                await result.consume()
        return self._columns[command]

    def discard(self) -> None:
        """Throw the connection away at once, without waiting for the server."""
        driver, self._driver, self._server = self._driver, None, None
        self._tried.clear()
        self._columns.clear()
        self._refused.clear()
        self._started = self._trip = None
        if driver is not None:
            task = asyncio.create_task(_close(driver))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close in good order; never waits longer than a second for the server."""
        self.discard()
        if self._closing:
            await asyncio.wait(self._closing, timeout=GOODBYE)

    async def identity(self) -> str | None:
        """Return when the server started, in milliseconds."""
        ms = await self.started()
        return None if ms is None else str(ms)

    async def started(self) -> int | None:
        """Return when the server started: Unix time in milliseconds.

        It is asked once on a connection, for none outlives the server.
        """
        if self._started is None:
            (self._started,) = await self.fetch(Started, _STARTED)
        return self._started.ms

    async def round_trip(self) -> float:
        """Return the seconds that a query takes which reads nothing.

        The one that `connect` has just waited for is told instead of sent anew, once.
        """
        seconds, self._trip = self._trip, None
        return await self._ask() if seconds is None else seconds

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
        self.opened += 1
        return [address]

    async def _meet(self) -> None:
        """Let the database answer for the first time, and learn what it is."""
        await self._ask()
        (kernel,) = await self.fetch(Kernel, _COMPONENTS)
        kernel.check()
        languages: list[Language] = []
        if "defaultLanguage" in await self.columns("SHOW DATABASES"):
            name = {"name": self.config.databases[0]}
            languages = await self.fetch(Language, _LANGUAGE, name)
        self._server = Server.of(kernel, languages)

    async def _ask(self) -> float:
        """Let the database answer what reads nothing; returns the seconds it took."""
        started = now()
        async with self._session() as session:
            await (await session.run(self._query("RETURN 1"))).consume()
        return now() - started

    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        return await read(self)

    def _query(self, text: str) -> Query:
        longest = max(self.config.deadline, _WARM_UP)
        return Query(text, timeout=longest, metadata=MARK)

    def _session(self, database: str | None = None) -> AsyncSession:
        """Open a session for one transaction, and count it."""
        if self._driver is None:
            raise SourceError(Reason.CONNECT, f"{self.config.uri} is not connected")
        asked = database or self.config.databases[0]
        self.queries += 1
        self.begun[asked] += 1
        return self._driver.session(
            database=asked,
            default_access_mode=READ_ACCESS,
            disable_auto_commit_retries=True,
        )

    def _classify(self, error: Exception) -> SourceError:
        classified = classify(error, self.config.uri)
        if classified.reason is Reason.AUTH:
            self._failed.note(self._secret, classified, self.clock())
        return classified


def direct(uri: str) -> str:
    """Return the URI without routing: figures are those of one server."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme.replace('neo4j', 'bolt')}://{rest}"


def now() -> float:
    """Return seconds that never jump."""
    return asyncio.get_running_loop().time()


async def _close(driver: AsyncDriver) -> None:
    with contextlib.suppress(Exception):  # it is thrown away; the server may be gone
        async with asyncio.timeout(GOODBYE):
            await driver.close()
