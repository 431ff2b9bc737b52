"""The servers of the demo: each one started, filled, and described in words."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import psycopg
from neo4j.exceptions import DriverError, Neo4jError

from exporter.demo.children import in_thread
from exporter.demo.places import Graph, Places
from exporter.demo.servers import redis
from exporter.demo.servers.neo4j import VERSION, Neo4jServer
from exporter.demo.servers.neo4j_jars import jars, open_to_others
from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.postgres_binaries import from_wheel
from exporter.demo.servers.process import ServerError, free_port, unprivileged
from exporter.demo.settings import SHOP, Watch, Watched
from exporter.demo.shop import graph, schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack

PartT = TypeVar("PartT")

_REDIS_MEMORY = "64mb"


class Site(NamedTuple):
    """Where the demo keeps things: a folder, the stack that ends them, and a voice."""

    folder: Path
    stack: AsyncExitStack
    say: Callable[[str], None]

    def password(self, name: str) -> Path:
        """Make a password and keep it in a file that only we can read."""
        file = self.folder / "secrets" / name
        file.touch(0o600)
        file.write_text(secrets.token_urlsafe(18), "utf-8")
        return file


class Postgres(NamedTuple):
    """A running PostgreSQL: URLs for set-up and application, and what to watch."""

    owner: str
    shop: str
    watched: Watched


def make_folder() -> Path:
    """Make a folder for a demo, which servers that run as another user can enter.

    Raises ServerError where that user cannot go, as below a root's own TMPDIR.
    """
    parent = Path(tempfile.gettempdir()).absolute()
    if unprivileged() is not None and not open_to_others(parent / "folder"):
        raise ServerError(
            f"{parent} is closed to other users, and as root the servers run as one;"
            " set TMPDIR=/tmp"
        )
    folder = Path(tempfile.mkdtemp(prefix="kpi-exporter-demo-"))
    folder.chmod(0o711)
    (folder / "secrets").mkdir(0o700)
    return folder


async def start_servers(site: Site, listen: str) -> tuple[Places, Watch]:
    """Start the servers side by side, and name those that cannot be had.

    Returns where they are, and what an exporter that serves on `listen` is to watch.
    """
    async with asyncio.TaskGroup() as group:
        postgres = group.create_task(_optional(site, "PostgreSQL", start_postgres))
        redis_ = group.create_task(_optional(site, "Redis", start_redis))
        neo4j = group.create_task(_optional(site, "Neo4j", start_neo4j))
    database, cache, history = postgres.result(), redis_.result(), neo4j.result()
    places = Places(
        application=f"http://127.0.0.1:{free_port()}",
        postgres_owner=database.owner if database else None,
        postgres=database.shop if database else None,
        redis=cache[0] if cache else None,
        neo4j=history[0] if history else None,
    )
    watch = Watch(
        listen,
        postgres=database.watched if database else None,
        redis=cache[1] if cache else None,
        neo4j=history[1] if history else None,
    )
    return places, watch


async def _optional(
    site: Site, name: str, start: Callable[[Site], Awaitable[PartT]]
) -> PartT | None:
    try:
        return await start(site)
    except ServerError as error:
        site.say(f"left out: {name}. {error}")
        return None


async def start_postgres(site: Site) -> Postgres:
    """Start and fill PostgreSQL; raises ServerError."""
    site.say("starting PostgreSQL")
    owner = site.password("postgres-owner").read_text("utf-8")
    server = PostgresServer(
        site.folder / "postgres",
        installation=from_wheel(),
        password=owner,
        settings={"auto_explain.log_min_duration": "100ms"},
    )
    site.stack.push_async_callback(asyncio.to_thread, server.stop)
    await in_thread(server.start)
    shop, monitor = site.password("postgres-shop"), site.password("postgres-monitor")
    password = shop.read_text("utf-8")
    try:
        async with await psycopg.AsyncConnection.connect(
            server.dsn(), autocommit=True
        ) as superuser:
            await superuser.execute(f"CREATE DATABASE {SHOP}")
        secret = monitor.read_text("utf-8")
        await schema.build(server.dsn(SHOP), shop=password, monitor=secret)
    except psycopg.Error as error:
        raise ServerError(f"PostgreSQL refused what the shop needs: {error}") from error
    place = f"127.0.0.1:{server.port}/{SHOP}"
    pid, log = server.process.pid, server.process.log
    site.say(f"PostgreSQL on {place}, pid {pid}, log {log}")
    return Postgres(
        server.dsn(SHOP),
        f"postgresql://shop:{password}@{place}",
        Watched(f"postgresql://monitor@{place}", monitor),
    )


async def start_redis(site: Site) -> tuple[str, Watched]:
    """Start Valkey and return its URL for the application; raises ServerError."""
    site.say("starting Valkey")
    file = site.password("redis")
    server = redis.RedisServer(
        site.folder / "redis",
        binary=redis.from_wheel(),
        password=file.read_text("utf-8"),
        settings={"maxmemory": _REDIS_MEMORY, "maxmemory-policy": "allkeys-lru"},
    )
    site.stack.push_async_callback(asyncio.to_thread, server.stop)
    await in_thread(server.start)
    place = f"127.0.0.1:{server.port}"
    pid, log = server.process.pid, server.process.log
    site.say(f"Valkey on {place}, pid {pid}, log {log}")
    return server.url, Watched(f"redis://{place}/0", file)


async def start_neo4j(site: Site) -> tuple[Graph, Watched]:
    """Start and fill Neo4j, fetching it the first time; raises ServerError."""
    site.say("starting Neo4j (the first time Maven fetches it: up to a minute)")
    await in_thread(jars)
    file = site.password("neo4j")
    server = Neo4jServer(site.folder / "neo4j", password=file.read_text("utf-8"))
    site.stack.push_async_callback(asyncio.to_thread, _end_neo4j, server)
    await in_thread(server.start)
    place = Graph(server.uri, server.user, server.password)
    try:
        await graph.build(place)
    except (Neo4jError, DriverError) as error:
        raise ServerError(f"Neo4j refused what the shop needs: {error}") from error
    pid, log = server.process.pid, server.process.log
    site.say(f"Neo4j {VERSION} on {server.uri}, pid {pid}, log {log}")
    return place, Watched(server.uri, file)


def _end_neo4j(server: Neo4jServer) -> None:
    """End it without the ten seconds that it takes to close: its data goes as well."""
    try:
        server.kill()
    except ServerError:
        return
