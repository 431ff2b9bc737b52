"""Drops the Neo4j index on ExecutionResult(user_id), which is none of the ten.

Breaks the promise that executions by user are found by an index seek: the composite
index on user_id and timestamp does not serve a query by user_id alone.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.places import required
from exporter.demo.shop.graph import without_index

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("neo4j",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the index away as long as the context is open."""
    async with without_index(required(places.neo4j), "ExecutionResult", "user_id"):
        yield
