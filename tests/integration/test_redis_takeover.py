"""Another server takes over behind one address: what it had counted is not ours."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    BINARIES,
    COLLECTORS,
    admin,
    reading,
    running,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.sources.redis import RedisSource

ONCE: dict[str, Any] = {"retry": Retry(NoBackoff(), 0)}
KEPT = {
    "commandstats": ("redis_commands_total", "", "get"),
    "info": ("redis_errors_total", "", "WRONGTYPE"),
    "latency": ("redis_command_duration_seconds", "_count", "get"),
    "slowlog": ("redis_slow_command_duration_seconds", "_count", "get"),
    "acl": ("redis_acl_access_denied_auth_total", "", None),
}


def work(client: redis.Redis, times: int) -> None:
    """Leave a trace in all that is counted, and a key that is no list."""
    client.config_set("slowlog-log-slower-than", 0)
    client.set("word", 1)
    for _ in range(times):
        client.get("word")
        with pytest.raises(redis.ResponseError):
            client.lpush("word", 1)
        with pytest.raises(redis.AuthenticationError):
            client.execute_command("AUTH", "ana", "wrong")  # type: ignore[no-untyped-call]  # driver
    client.config_set("slowlog-log-slower-than", 1_000_000)


async def poll(source: RedisSource, states: dict[str, Any]) -> dict[str, float]:
    """Poll what we sum up; returns a figure of each collector that has it."""
    await source.connect(5)
    shown = {}
    for name, state in states.items():
        rows = await source.run(COLLECTORS[name].read, 5)
        for metric, value, labels, suffix in COLLECTORS[name].samples(rows, state):
            if KEPT[name] == (metric.name, suffix, labels[0] if labels else None):
                shown[name] = value or 0.0
    return shown


async def old_enough(client: redis.Redis) -> None:
    """Wait until the server was surely there before us."""
    while int(client.info("server")["uptime_in_seconds"]) < 3:  # noqa: ASYNC110 - a server has no event
        await asyncio.sleep(0.05)


@asynccontextmanager
async def two(kind: str) -> AsyncIterator[tuple[RedisSource, RedisServer, RedisServer]]:
    """Start two servers, and a source at an address of the first."""
    settings = {"unixsocket": "redis.sock", "unixsocketperm": "777"}
    with open_folder() as folder:
        one, other = (
            RedisServer(folder / name, binary=BINARIES[kind](), settings=settings)
            for name in ("one", "two")
        )
        address = folder / "address"
        address.symlink_to(one.folder / "redis.sock")
        with running(one), running(other):
            async with reading(f"unix://{address}") as source:
                yield source, one, other


def take_over(source: RedisSource, server: RedisServer) -> None:
    """Let the address lead to another server, as a failover does."""
    address = server.folder.parent / "address"
    address.unlink()
    address.symlink_to(server.folder / "redis.sock")
    source.discard()


@pytest.mark.parametrize("kind", BINARIES)
async def test_what_a_server_counted_before_it_took_over_is_not_added(
    kind: str,
) -> None:
    states = {name: COLLECTORS[name].state() for name in KEPT}
    async with two(kind) as (source, one, other):
        with admin(one, **ONCE) as client, admin(other, **ONCE) as second:
            await old_enough(second)
            work(client, 3)
            work(second, 90)
            await poll(source, states)
            work(client, 2)
            before = await poll(source, states)
            take_over(source, other)
            taken_over = await poll(source, states)
            work(second, 4)
            after = await poll(source, states)
    assert taken_over == before
    assert {name: after[name] - before[name] for name in before} == dict.fromkeys(
        before, 4
    )
