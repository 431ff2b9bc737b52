"""PostgreSQL servers of all versions for the tests, and ways to look into them."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from exporter.collector import SourceKind
from exporter.collectors import load
from exporter.config import PostgresTarget
from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.postgres_binaries import VERSIONS, from_maven
from exporter.errors import SourceError
from exporter.sources.postgres import PostgresSource
from tests.integration.exporter_process import open_folder
from tests.unit.sampled import values

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Iterator,
        Mapping,
        Sequence,
    )
    from pathlib import Path

    from exporter.collector import AnyCollector
    from exporter.evidence import Evidence
    from tests.unit.sampled import Values

SECRET = "hush-4711"
DEADLINE = 2.0
NEWEST = max(VERSIONS)
SETTINGS = {"max_connections": "20", "superuser_reserved_connections": "2"}
COLLECTORS = {collector.name: collector for collector in load(SourceKind.POSTGRES)}

Owner = psycopg.Connection[tuple[Any, ...]]


class Servers:
    """One server of each version, started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[int, PostgresServer] = {}

    def of(self, major: int) -> PostgresServer:
        """Return the running server of a version; nobody may stop or freeze it."""
        if major not in self._running:
            server = new_server(self._folder / str(major), major)
            server.start()
            self._running[major] = server
            with owner(server) as session:
                session.execute("create extension pg_stat_statements")
                session.execute("create table lasting (id serial primary key, a text)")
        return self._running[major]

    def stop(self) -> None:
        """Stop all of them."""
        for server in self._running.values():
            server.stop()


SILENT = frozenset({"io", "wal", "progress", "own_queries", "plans"})
"""Collectors with nothing to show on some version, unasked, or without load."""


def new_server(
    folder: Path, major: int = NEWEST, settings: Mapping[str, str] | None = None
) -> PostgresServer:
    """Return a server that was not started, for a test to harm."""
    return PostgresServer(
        folder,
        installation=from_maven(major),
        password=SECRET,
        settings={**SETTINGS, **(settings or {})},
    )


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[Servers]:
    """Keep servers for all tests, whatever their order."""
    with open_folder() as folder:
        servers = Servers(folder)
        try:
            yield servers
        finally:
            servers.stop()


@pytest.fixture(params=VERSIONS)
def each_postgres(
    request: pytest.FixtureRequest, postgres_servers: Servers
) -> PostgresServer:
    """Give the server of each version in turn."""
    return postgres_servers.of(request.param)


@pytest.fixture
def postgres(postgres_servers: Servers) -> PostgresServer:
    """Give the server of the newest version."""
    return postgres_servers.of(NEWEST)


@pytest.fixture
def mortal_postgres() -> Iterator[PostgresServer]:
    """Give a server of the newest version to stop, freeze and kill."""
    with open_folder() as folder:
        server = new_server(folder / "data")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def owner(server: PostgresServer, database: str = "postgres") -> Iterator[Owner]:
    """Open a superuser's session of the tests' own."""
    with psycopg.connect(server.dsn(database), autocommit=True) as session:
        yield session


@contextmanager
def database(server: PostgresServer, name: str, extension: str = "") -> Iterator[str]:
    """Make a database for a while, with pg_stat_statements as the options say."""
    quoted = '"' + name.replace('"', '""') + '"'
    with owner(server) as session:
        session.execute(f"create database {quoted}")
        try:
            with owner(server, name) as inside:
                if extension:
                    inside.execute(f"create extension pg_stat_statements {extension}")
            yield server.dsn(name)
        finally:
            session.execute(f"drop database {quoted} with (force)")


@contextmanager
def role(session: Owner, name: str, grants: str = "") -> Iterator[str]:
    """Make a role that may log in and has the tests' password, for a while."""
    session.execute(f"create role {name} login password '{SECRET}'")
    try:
        if grants:
            session.execute(f"grant {grants} to {name}")
        yield name
    finally:
        session.execute(f"drop owned by {name}; drop role {name}")


def target(dsn: str, **settings: object) -> PostgresTarget:
    """Return the configuration of a target whose deadline is that of the tests."""
    given = {"dsn": dsn, "timeout": f"{DEADLINE}s", **settings}
    return PostgresTarget.model_validate(given)


@asynccontextmanager
async def reading(dsn: str, **settings: object) -> AsyncIterator[PostgresSource]:
    """Open a source that is not connected yet, and surely close it."""
    source = PostgresSource(target(dsn, **settings))
    try:
        yield source
    finally:
        await source.close()


async def failure(dsn: str, **settings: object) -> SourceError:
    """Return why connecting fails, having seen that no connection is kept."""
    async with asyncio.timeout(DEADLINE + 2), reading(dsn, **settings) as source:
        with pytest.raises(SourceError) as caught:
            await source.connect(DEADLINE)
        assert source.connections == 0
    assert SECRET not in f"{caught.value} {caught.value.fix}"
    return caught.value


async def run(
    source: PostgresSource, query: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Connect if need be and read as a poll does."""

    async def read(connected: PostgresSource) -> list[tuple[Any, ...]]:
        return await connected.tuples(query, parameters)

    await source.connect(DEADLINE)
    return await source.run(read, DEADLINE)


async def refusal(source: PostgresSource, query: str) -> SourceError:
    """Return why a read fails."""
    with pytest.raises(SourceError) as caught:
        await run(source, query)
    assert SECRET not in f"{caught.value} {caught.value.fix}"
    return caught.value


def our_sessions(session: Owner) -> int:
    """Count the exporter's connections that the server holds."""
    (row,) = session.execute(
        "select count(*) from pg_stat_activity where application_name = 'kpi-exporter'"
    )
    return int(row[0])


def soon(true: Callable[[], bool], patience: float = 10.0) -> None:
    """Wait until a server has come so far; it is an error when it does not."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Polled:
    """One collector at one target, polled as the exporter does."""

    def __init__(self, source: PostgresSource, name: str) -> None:
        self.collector: AnyCollector = COLLECTORS[name]
        self._source = source
        self._state = self.collector.state()

    async def poll(self) -> Values:
        """Read and return the values by name and labels."""
        rows = await self._run(self.collector.read)
        return values(self.collector.samples(rows, self._state))

    async def evidence(self) -> list[Evidence]:
        """Read and return the tables for the evidence page."""
        assert self.collector.evidence is not None
        rows = await self._run(self.collector.read)
        list(self.collector.samples(rows, self._state))
        return list(self.collector.evidence(rows))

    async def inspect(self) -> list[tuple[str, str]]:
        """Return what the collector finds missing, and what mends it."""
        assert self.collector.inspect is not None
        found = await self._run(self.collector.inspect)
        return [(missing, fix) for missing, fix in found]

    async def _run(self, read: Callable[[PostgresSource], Awaitable[Any]]) -> Any:
        deadline = self._source.config.deadline
        await self._source.connect(deadline)
        return await self._source.run(read, deadline)
