"""Adds 20,000 customers and changes them while autovacuum is off for their table.

Breaks the promises on fresh statistics and on dead rows: nobody analyzes the table, so
that the planner knows it as it was, and nobody vacuums it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("postgres",)

_ADD = """
INSERT INTO customers
SELECT n, 'Newcomer ' || n, 'newcomer' || n || '@shop.example'
FROM generate_series(1000001, 1020000) n
"""


_CHANGE = "UPDATE customers SET name = name || '.' WHERE id > 1000000"


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the rows, and autovacuum off, as long as the context is open."""
    async with await psycopg.AsyncConnection.connect(
        required(places.postgres_owner), autocommit=True
    ) as owner:
        await owner.execute("ALTER TABLE customers SET (autovacuum_enabled = off)")
        try:
            await owner.execute(_ADD)
            await owner.execute(_CHANGE)
            yield
        finally:
            await owner.execute("DELETE FROM customers WHERE id > 1000000")
            await owner.execute("ALTER TABLE customers RESET (autovacuum_enabled)")
            await owner.execute("VACUUM ANALYZE customers")
