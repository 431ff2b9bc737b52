"""Drops the index behind the product search, so that each search reads all products.

Breaks the promise on statement latency (p95 below 100 ms), in the server as well as in
the application that waits for it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.places import required
from exporter.demo.shop.schema import SEARCH_INDEX, without_index

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("postgres",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the index away as long as the context is open."""
    owner = required(places.postgres_owner)
    async with without_index(owner, "products_sound", SEARCH_INDEX, "ANALYZE products"):
        yield
