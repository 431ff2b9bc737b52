"""Opens idle connections until the server has hardly any left for its clients.

Breaks the promise on connections: who needs one more is soon refused.
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
_LEFT = """
SELECT current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int - count(*)
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
_SPARED = 2


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Hold the connections as long as the context is open."""
    async with AsyncExitStack() as stack:
        url = required(places.postgres_owner)
        async with await psycopg.AsyncConnection.connect(url) as owner:
            (left,) = await (await owner.execute(_LEFT)).fetchone() or (0,)
        for _ in range(left - _SPARED):
            connection = await psycopg.AsyncConnection.connect(
                required(places.postgres), application_name="leaky-worker"
            )
            stack.push_async_callback(connection.close)
        yield
