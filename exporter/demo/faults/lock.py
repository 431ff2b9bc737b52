"""Locks the table of orders against writers, in a transaction that does not end.

Breaks the promises on lock waits and on errors: payments wait for three seconds,
then fail.
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


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Hold the lock as long as the context is open."""
    async with await psycopg.AsyncConnection.connect(
        required(places.postgres_owner), application_name="migration"
    ) as holder:
        await holder.execute("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE")
        try:
            yield
        finally:
            await holder.rollback()
