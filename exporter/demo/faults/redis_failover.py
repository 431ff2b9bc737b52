"""Makes Redis a replica of a master that is not there, as after a bad failover.

Breaks the promise on the change of role: the server answers reads and refuses writes.
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

_NOWHERE = ("127.0.0.1", "1")


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis a replica as long as the context is open."""
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        await redis.replicaof(*_NOWHERE)
        try:
            yield
        finally:
            await redis.replicaof("NO", "ONE")
