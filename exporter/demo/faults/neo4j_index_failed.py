"""Makes a Neo4j index over a text that is too large for it, so that the index fails.

Breaks the promise that no index has failed: it serves no query and never mends itself.
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

_TOO_LARGE = 20_000


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the failed index as long as the context is open."""
    place = required(places.neo4j)
    async with driver(place) as connection:
        await connection.execute_query(
            "CREATE (:Snapshot {body: $body})", body="x" * _TOO_LARGE
        )
        await connection.execute_query(
            "CREATE INDEX snapshot_body FOR (n:Snapshot) ON (n.body)"
        )
    try:
        yield
    finally:
        async with driver(place) as connection:
            await connection.execute_query("DROP INDEX snapshot_body IF EXISTS")
            await connection.execute_query("MATCH (n:Snapshot) DELETE n")
