"""Fills Redis beyond its memory limit under the policy noeviction: it refuses writes.

Breaks the promise on Redis memory; what is not cached yet stays so.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("redis",)

_FILLERS = 64
_FILLER_BYTES = 64 * 1024
# Buffers of clients count as well and shrink later: this much may go without room.
_SURPLUS = 128 * 1024


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis full as long as the context is open."""
    fillers = [f"filler:{number}" for number in range(_FILLERS)]
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        before = await redis.config_get("maxmemory*")
        await redis.config_set("maxmemory-policy", "noeviction")
        try:
            for name in fillers:
                await redis.set(name, b"x" * _FILLER_BYTES)
            used = int((await redis.info("memory"))["used_memory"])
            await redis.config_set("maxmemory", used - _SURPLUS)
            yield
        finally:
            for name in ("maxmemory", "maxmemory-policy"):
                await redis.config_set(name, str(before[name]))
            await redis.unlink(*fillers)
