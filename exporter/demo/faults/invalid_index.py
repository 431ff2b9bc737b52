"""Leaves behind an index that could not be built, as customers have several orders.

Breaks the promise that every index can be used: it serves no query, and each write
maintains it all the same.
"""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("postgres",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the invalid index as long as the context is open."""
    url = required(places.postgres_owner)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        with contextlib.suppress(psycopg.errors.UniqueViolation):
            await owner.execute(
                "CREATE UNIQUE INDEX CONCURRENTLY orders_one_per_customer"
                " ON orders (customer_id)"
            )
    try:
        yield
    finally:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
            await owner.execute("DROP INDEX orders_one_per_customer")
