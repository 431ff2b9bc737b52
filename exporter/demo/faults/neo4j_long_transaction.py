"""Opens a Neo4j transaction that has changed a node, and leaves it open and idle.

Breaks the promise on idle transactions: it holds its locks for as long as it is open.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.places import required
from exporter.demo.shop.graph import driver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("neo4j",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the transaction open as long as the context is open."""
    async with (
        driver(required(places.neo4j), agent="nightly-report/1.0") as connection,
        connection.session() as session,
        await session.begin_transaction() as transaction,
    ):
        result = await transaction.run(
            "MATCH (n:TestResult {timestamp: 1}) SET n.at = 1"
        )
        await result.consume()
        try:
            yield
        finally:
            await transaction.rollback()
