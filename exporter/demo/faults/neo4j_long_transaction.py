"""Opens a Neo4j transaction that has changed a node, and leaves it open and idle.

Breaks the promise on idle transactions: it holds its locks for as long as it is open,
and another client waits for them.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, LiteralString

from exporter.demo.places import required
from exporter.demo.shop.graph import driver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("neo4j",)

_SAME: LiteralString = (
    "MATCH (n:TestResult {timestamp: 1}) SET n.timestamp = n.timestamp"
)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the transaction open as long as the context is open."""
    place = required(places.neo4j)
    async with (
        driver(place) as other,
        driver(place, agent="nightly-report/1.0") as connection,
        connection.session() as session,
    ):
        transaction = await session.begin_transaction()
        await (await transaction.run(_SAME)).consume()
        waiting = asyncio.create_task(other.execute_query(_SAME))
        try:
            yield
        finally:
            await transaction.rollback()
            await waiting
