"""Makes Redis a replica of a server that is not there, as a failover gone wrong would.

Breaks the promise that replicas follow their master: Redis keeps what it has, and
refuses writes.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from exporter.demo.places import required
from exporter.demo.servers.process import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("redis",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis a replica as long as the context is open."""
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        await redis.replicaof("127.0.0.1", str(free_port()))
        try:
            yield
        finally:
            await redis.replicaof("NO", "ONE")
