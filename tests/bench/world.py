"""The servers that are measured: filled alike in every run, and frozen on demand."""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import itertools
import tempfile
import time
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import redis

import exporter
from exporter import collectors
from exporter.collector import SourceKind
from exporter.demo.places import Graph
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.process import ServerError
from exporter.demo.servers.redis import RedisServer
from exporter.demo.shop import graph
from tests.bench.client import Scraper, values
from tests.integration.exporter_process import ExporterProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATEMENTS = 5000
TABLES = 100
KEYS = 10_000
STANDARD = 15.0  # seconds between polls where we are compared with others
_PATIENCE = 90.0
_PACKAGE = Path(exporter.__file__).parent
_WORKED = "kpi_exporter_collector_success"
_PASSWORD = "postgres"
_COLUMNS = tuple(f"measured_value_number_{n}" for n in range(8))


class World:
    """Servers that start when a measure first asks for them, and stop at the end."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Take how to tell the progress."""
        self.say = say
        self.present: frozenset[str] = frozenset()  # what we are compared with
        self._stack = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="kpi-exporter-bench-")
        self.folder = Path(self._stack.enter_context(folder))
        self.folder.chmod(0o755)
        self._exporters = itertools.count()

    def close(self) -> None:
        """Stop everything and remove its files."""
        self._stack.close()

    @cached_property
    def postgres(self) -> PostgresServer:
        """PostgreSQL 18 with 4 databases, 100 tables and 5,000 known statements."""
        self.say(f"starting PostgreSQL: {STATEMENTS:,} statements, {TABLES} tables")
        settings = {
            "pg_stat_statements.max": "20000",
            "max_connections": "300",
            "autovacuum": "off",
        }
        server = PostgresServer(
            self.folder / "postgres", password=_PASSWORD, settings=settings
        )
        self._stack.callback(server.stop)
        server.start()
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE ROLE monitor LOGIN PASSWORD 'postgres'")
            connection.execute("GRANT pg_monitor TO monitor")
            for name in ("shop", "orders", "audit"):
                connection.execute(f"CREATE DATABASE {name}")
        with psycopg.connect(server.dsn("shop"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            _fill(connection)
        return server

    @cached_property
    def redis(self) -> RedisServer:
        """Redis with 10,000 keys, on which a few commands were used."""
        self.say(f"starting Redis: {KEYS:,} keys")
        server = RedisServer(self.folder / "redis")
        self._stack.callback(server.stop)
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.mset({f"key-{n}": "x" * 100 for n in range(KEYS)})
            for n in range(20):
                client.expire(f"key-{n}", 86400)
                client.get(f"key-{n}")
                client.hset("hash", f"field-{n}", n)
                client.lpush("list", n)
        return server

    @cached_property
    def neo4j(self) -> Neo4jServer:
        """Neo4j with 40,000 nodes, eleven indexes and three watched queries."""
        self.say("starting Neo4j: 40,000 nodes, 11 indexes")
        server = Neo4jServer(self.folder / "neo4j")
        self._stack.callback(server.stop)
        server.start()
        place = Graph(server.uri, server.user, server.password)
        asyncio.run(graph.build(place))
        return server

    def postgres_target(self, port: int | None = None) -> dict[str, Any]:
        """Return the configuration of the PostgreSQL target, perhaps behind a proxy."""
        address = f"127.0.0.1:{port or self.postgres.port}"
        dsn = f"postgresql://monitor:{_PASSWORD}@{address}/shop"
        return {"dsn": dsn}

    def redis_target(self, port: int | None = None) -> dict[str, Any]:
        """Return the configuration of the Redis target."""
        return {"url": f"redis://127.0.0.1:{port or self.redis.port}/0"}

    def neo4j_target(self, port: int | None = None) -> dict[str, Any]:
        """Return the configuration of the Neo4j target with three watched queries."""
        password = self.folder / "neo4j-password"
        password.write_text(self.neo4j.password, "utf-8")
        queries = (
            ("by_code_hash", graph.BY_CODE_HASH, {"code_hash": "code-1"}),
            ("by_user", graph.BY_USER, {"user_id": "user-1"}),
            ("audit_since", graph.AUDIT_SINCE, {"since": 0}),
        )
        return {
            "uri": f"bolt://127.0.0.1:{port or self.neo4j.port}",
            "user": self.neo4j.user,
            "password_file": str(password),
            "indexes": "ultimate-mcp",
            "queries": [
                {"name": name, "cypher": cypher, "parameters": parameters}
                for name, cypher, parameters in queries
            ],
        }

    def config(self, interval: str, kinds: tuple[SourceKind, ...]) -> dict[str, Any]:
        """Return a configuration that watches one target of each of these kinds."""
        make: dict[SourceKind, Callable[[], dict[str, Any]]] = {
            SourceKind.POSTGRES: self.postgres_target,
            SourceKind.REDIS: self.redis_target,
            SourceKind.NEO4J: self.neo4j_target,
            SourceKind.HOST: dict,
        }
        targets = {str(kind): {f"the-{kind}": make[kind]()} for kind in kinds}
        return {"interval": interval, **targets}

    def exporter(self, config: dict[str, Any]) -> ExporterProcess:
        """Return an exporter that is to be started with `with`.

        Its modules are compiled beforehand, as they are where it is installed; a
        process that compiles them needs 1 MiB more for good.
        """
        compileall.compile_dir(_PACKAGE, quiet=1)
        return ExporterProcess(
            self.folder / f"exporter-{next(self._exporters)}", config
        )

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep every database from answering anything (SIGSTOP)."""
        servers = (self.postgres, self.redis, self.neo4j)
        for server in servers:
            server.pause()
        try:
            yield
        finally:
            for server in servers:
                server.resume()


def quickened(
    config: dict[str, Any], kinds: tuple[SourceKind, ...], seconds: float
) -> dict[str, Any]:
    """Poll every `seconds`; rare collectors stay as rare per poll as at 15 s."""
    for kind in kinds:
        rare = {
            found.name: {"interval": f"{found.interval / STANDARD * seconds:g}s"}
            for found in collectors.load(kind)
            if found.interval and found.interval > STANDARD
        }
        for target in config[kind].values():
            target |= {"collectors": rare, "timeout": f"{seconds:g}s"}
    return {**config, "interval": f"{seconds:g}s"}


def wait_for_all(exporter: ExporterProcess) -> None:
    """Wait until the latest poll of every collector has worked; raises ServerError."""
    deadline = time.monotonic() + _PATIENCE
    with Scraper(exporter.port) as scraper:
        while not all(values(scraper.text(), _WORKED).values()):
            if time.monotonic() > deadline:
                end = exporter.log[-2000:]
                raise ServerError(f"some collectors do not work:\n{end}")
            time.sleep(1)


def statements() -> list[str]:
    """Return 5,000 statements that PostgreSQL tells apart, 50 of each table."""
    chosen = itertools.islice(
        (c for size in (3, 4) for c in itertools.combinations(_COLUMNS, size)),
        STATEMENTS // TABLES,
    )
    shapes = [", ".join(columns) for columns in chosen]
    return [
        f"SELECT {shape} FROM table_{table} "
        "WHERE id = 1 AND measured_value_number_1 > 2 ORDER BY id LIMIT 10"
        for table in range(TABLES)
        for shape in shapes
    ]


def _fill(connection: psycopg.Connection[Any]) -> None:
    columns = ", ".join(f"{name} integer" for name in _COLUMNS)
    for table in range(TABLES):
        connection.execute(
            f"CREATE TABLE table_{table} (id integer PRIMARY KEY, {columns})".encode()
        )
        connection.execute(f"INSERT INTO table_{table} (id) VALUES (1)".encode())
    connection.execute("SELECT pg_stat_statements_reset()")
    for statement in statements():
        connection.execute(statement.encode())
