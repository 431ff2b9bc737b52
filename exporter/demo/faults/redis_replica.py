"""Makes Redis a replica of a server that is not there, as a failover gone wrong would.

Breaks the promise that replicas follow their master: Redis keeps what it has, and
refuses writes.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.places import required
from exporter.demo.servers.process import free_port
from exporter.demo.shop.cache import following

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("redis",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis a replica as long as the context is open."""
    async with following(required(places.redis), free_port()):
        yield
