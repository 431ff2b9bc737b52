"""Opens three transactions that have changed a row, and leaves them open and idle.

Breaks the promise on idle transactions: they hold their locks, and vacuum cannot clean
up behind them.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("postgres",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the transactions open as long as the context is open."""
    async with AsyncExitStack() as stack:
        for agent in (5, 10, 15):
            connection = await psycopg.AsyncConnection.connect(
                required(places.postgres_owner), application_name="nightly-report"
            )
            stack.push_async_callback(connection.close)
            await connection.execute(
                "UPDATE agents SET current_workload = 1 WHERE id = %s", (agent,)
            )
        yield
