"""Drops the Neo4j index on ExecutionResult(code_hash), one of the ten that must exist.

Breaks the promises that every expected index is online, and that executions by code
hash are found by an index seek.
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
    async with without_index(required(places.neo4j), "ExecutionResult", "code_hash"):
        yield
