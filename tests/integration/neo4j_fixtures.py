"""A Neo4j server for the tests, ways to look into it, and a wire to tamper with."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from neo4j import GraphDatabase

from exporter.config import Neo4jTarget
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.errors import SourceError
from exporter.sources.neo4j import Neo4jSource
from tests.integration.exporter_process import open_folder
from tests.unit.sampled import values

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Callable, Iterator

    from exporter.collector import AnyCollector
    from tests.unit.sampled import Values

DEADLINE = 3.0
_PASSWORD = "password"


@contextmanager
def running(server: Neo4jServer) -> Iterator[Neo4jServer]:
    """Start a server and surely stop it."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def shared_neo4j() -> Iterator[Neo4jServer]:
    """Run one server for all tests; those that harm it mend it."""
    with open_folder() as folder:
        server = Neo4jServer(folder / "neo4j", password="right-password")
        write_password(server, server.password)
        with running(server):
            yield server


@pytest.fixture
def neo4j_server(shared_neo4j: Neo4jServer) -> Neo4jServer:
    """Give the server as a new one would be: no indexes, no nodes, one user."""
    write_password(shared_neo4j, shared_neo4j.password)
    for row in ask(shared_neo4j, "SHOW CONSTRAINTS YIELD name"):
        ask(shared_neo4j, f"DROP CONSTRAINT `{row['name']}`")
    for row in ask(
        shared_neo4j, "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'"
    ):
        ask(shared_neo4j, f"DROP INDEX `{row['name']}`")
    ask(shared_neo4j, "MATCH (n) DETACH DELETE n")
    return shared_neo4j


def write_password(server: Neo4jServer, password: str) -> None:
    """Put a password where targets read it."""
    (server.folder.parent / _PASSWORD).write_text(password, "utf-8")


def ask(server: Neo4jServer, cypher: str, **parameters: object) -> list[dict[str, Any]]:
    """Run one statement of the tests' own, as the owner of the server."""
    login = (server.user, server.password)
    with (
        GraphDatabase.driver(server.uri, auth=login, user_agent="tests") as driver,
        driver.session() as session,
    ):
        return session.run(cypher, parameters).data()


def target(server: Neo4jServer, **settings: object) -> Neo4jTarget:
    """Return the configuration of a target that logs in as the server's owner."""
    known = {
        "uri": server.uri,
        "user": server.user,
        "password_file": server.folder.parent / _PASSWORD,
        "timeout": f"{DEADLINE}s",
    }
    return Neo4jTarget.model_validate({**known, **settings})


@asynccontextmanager
async def reading(
    server: Neo4jServer, **settings: object
) -> AsyncIterator[Neo4jSource]:
    """Open a source that is not connected yet, and surely close it."""
    source = Neo4jSource(target(server, **settings))
    try:
        yield source
    finally:
        await source.close()


async def collect(
    source: Neo4jSource, collector: AnyCollector, state: object = None
) -> Values:
    """Connect and poll once, as the exporter does; returns the values."""
    await source.connect(source.config.deadline)
    rows = await source.run(collector.read, source.config.deadline)
    return values(
        collector.samples(rows, collector.state() if state is None else state)
    )


async def failure(source: Neo4jSource, timeout: float = DEADLINE) -> SourceError:
    """Return why connecting fails."""
    with pytest.raises(SourceError) as caught:
        await source.connect(timeout)
    return caught.value


def our_connections(server: Neo4jServer) -> int:
    """Count the exporter's connections that the server holds."""
    rows = ask(server, "CALL dbms.listConnections() YIELD userAgent RETURN userAgent")
    return sum(row["userAgent"].startswith("kpi-exporter") for row in rows)


def our_transactions(server: Neo4jServer) -> int:
    """Count the exporter's transactions that run on the server, by their mark."""
    rows = ask(server, "SHOW TRANSACTIONS YIELD metaData")
    return sum(row["metaData"].get("app") == "kpi-exporter" for row in rows)


async def until(holds: Callable[[], bool], patience: float = 15.0) -> None:
    """Wait until something holds on the server; fails when it does not come."""
    async with asyncio.timeout(patience):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.1)


class Wire:
    """A proxy before the server: counts, and holds back an answer when told to."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.connections = 0
        self.logins = 0
        self.hold: tuple[bytes, float] | None = None
        self._server = port
        self._pause = 0.0
        self._writers: set[StreamWriter] = set()

    async def cut(self) -> None:
        """Close all connections, and wait until both ends know."""
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0.2)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on what one client and the server say, until one of them leaves."""
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection(
            "127.0.0.1", self._server
        )
        self._writers |= {writer, far_writer}
        ways = (
            self._pass(reader, far_writer, self._asked),
            self._pass(far_reader, writer),
        )
        try:
            await asyncio.wait(
                [asyncio.create_task(way) for way in ways],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._writers -= {writer, far_writer}
            far_writer.close()
            writer.close()

    async def _pass(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        look: Callable[[bytes], None] | None = None,
    ) -> None:
        while data := await reader.read(65536):
            if look is not None:
                look(data)
            elif self._pause:
                pause, self._pause = self._pause, 0.0
                await asyncio.sleep(pause)
            writer.write(data)

    def _asked(self, data: bytes) -> None:
        self.logins += data.count(b"credentials")
        if self.hold is not None and self.hold[0] in data:
            self._pause, self.hold = self.hold[1], None


@asynccontextmanager
async def wired(server: Neo4jServer) -> AsyncIterator[Wire]:
    """Open a wire to the server on a port of its own."""
    wire = Wire(server.port)
    listener = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    async with listener:
        wire.port = listener.sockets[0].getsockname()[1]
        yield wire
