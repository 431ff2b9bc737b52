"""Makes Redis a replica of a master that is not there, as after a bad failover.

Breaks the promise on the change of role: the server answers reads and refuses writes.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.places import required
from exporter.demo.shop.cache import following

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("redis",)

_NOBODY = 1  # a port that nothing listens on


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis a replica as long as the context is open."""
    async with following(required(places.redis), _NOBODY):
        yield
