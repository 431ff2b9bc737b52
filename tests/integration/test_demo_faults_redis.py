"""Faults of the demo that need Redis alone, against a server of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError

from exporter.demo.places import Places, required
from exporter.demo.servers.redis import RedisServer, from_wheel
from tests.integration.exporter_process import open_folder
from tests.integration.faulty_world import broken, until
from tests.integration.redis_fixtures import running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """Start a server as the demo's, without an application."""
    with open_folder() as folder:
        server = RedisServer(folder / "data", binary=from_wheel())
        with running(server):
            yield Places(application="http://127.0.0.1:1", redis=server.url)


async def test_redis_evictions_lets_keys_be_dropped(places: Places) -> None:
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        before = await redis.config_get("maxmemory*")

        async def evicted() -> int:
            return int((await redis.info("stats"))["evicted_keys"])

        async def many() -> bool:
            return await evicted() > start + 20

        start = await evicted()
        async with broken("redis-evictions", places):
            await until(many)
        assert await redis.config_get("maxmemory*") == before
        assert [key async for key in redis.scan_iter("evicting:*", 1000)] == []


async def test_redis_failover_refuses_writes_until_it_is_mended(places: Places) -> None:
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        async with broken("redis-failover", places):
            assert (await redis.info("replication"))["role"] == "slave"
            with pytest.raises(ReadOnlyError):
                await redis.set("one-more", "x")
        assert (await redis.info("replication"))["role"] == "master"
        assert await redis.set("one-more", "x")


async def test_redis_slow_keeps_redis_busy(places: Places) -> None:
    async with Redis.from_url(required(places.redis), protocol=2) as redis:

        async def calls() -> dict[str, Any]:
            every = await redis.info("commandstats")
            return dict(every.get("cmdstat_evalsha", {"calls": 0}))

        async def ran() -> bool:
            return bool((await calls())["calls"] >= 2)

        async with broken("redis-slow", places):
            await until(ran)
        done = await calls()
        assert done["usec"] > 250_000 * (done["calls"] - done["failed_calls"])
        assert (await calls())["calls"] == done["calls"]
