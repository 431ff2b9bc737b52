"""Gives Redis less memory than its clients fill, under a policy that evicts keys.

Breaks the promise on evicted keys: what the cache drops is asked of the database again.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import TYPE_CHECKING

from redis.asyncio import Redis
from redis.exceptions import RedisError

from exporter.demo.cancelled import heed_cancellation
from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import NoReturn

    from exporter.demo.places import Places

NEEDS = ("redis",)

_ROOM = 512 * 1024
_FILLERS = 2000  # far more than there is room for, so that each one evicts another
# There at once: what a replication backlog still grows by is then taken from them.
_FIRST = 750
_FILLER_BYTES = 4096
_PAUSE_SECONDS = 0.02


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis evicting as long as the context is open."""
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        before = await redis.config_get("maxmemory*")
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.mset(dict.fromkeys(_names()[:_FIRST], b"x" * _FILLER_BYTES))
        used = int((await redis.info("memory"))["used_memory"])
        await redis.config_set("maxmemory", used + _ROOM)
        filling = asyncio.create_task(_fill(redis))
        try:
            yield
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
            for name in ("maxmemory", "maxmemory-policy"):
                await redis.config_set(name, str(before[name]))
            await redis.unlink(*_names())


async def _fill(redis: Redis) -> NoReturn:
    names = _names()
    for name in cycle(names[_FIRST:] + names[:_FIRST]):
        with suppress(RedisError):
            await redis.set(name, b"x" * _FILLER_BYTES)
        heed_cancellation()
        await asyncio.sleep(_PAUSE_SECONDS)
    raise AssertionError("a cycle has no end")


def _names() -> list[str]:
    return [f"evicting:{number}" for number in range(_FILLERS)]
