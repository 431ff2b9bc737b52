"""Fills Redis up to its memory limit under the policy noeviction: it refuses writes.

Breaks the promises on Redis memory and, as nothing new is cached, on the hit rate.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import NoReturn

    from exporter.demo.places import Places

NEEDS = ("redis",)

_ROOM = 4 * 1024 * 1024
_SIZES = (64 * 1024, 1024, 16)
_MOST_KEYS = 20_000
_PREFIX = "filler:"


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis full as long as the context is open."""
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        before = await redis.config_get("maxmemory*")
        used = int((await redis.info("memory"))["used_memory"])
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", used + _ROOM)
        written = await _fill(redis, 0)
        filling = asyncio.create_task(_keep_full(redis, written))
        try:
            yield
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
            for name in ("maxmemory", "maxmemory-policy"):
                await redis.config_set(name, str(before[name]))
            fillers = [key async for key in redis.scan_iter(f"{_PREFIX}*", count=1000)]
            await redis.unlink(*fillers)


async def _keep_full(redis: Redis, written: int) -> NoReturn:
    """Take the room again that keys which expired have left."""
    while True:
        await asyncio.sleep(0.5)
        with suppress(RedisError):
            written = await _fill(redis, written)


async def _fill(redis: Redis, written: int) -> int:
    """Write ever smaller values until even the smallest is refused."""
    for size in _SIZES:
        while written < _MOST_KEYS:
            try:
                await redis.set(f"{_PREFIX}{written}", b"x" * size)
            except ResponseError:
                break
            written += 1
    return written
