"""Makes a database look 1.2 billion transactions old: no such number was made really.

Breaks the promise on wraparound. The age of the database `postgres` is written over in
the catalogue, and autovacuum, which would mend it, is off meanwhile.
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

_OLD = """
UPDATE pg_database
SET datfrozenxid = ((datfrozenxid::text::bigint + 3094967296) % 4294967296)::text::xid
WHERE datname = 'postgres'
"""  # 1.2 billion less, as ids go round
_YOUNG = """
UPDATE pg_database SET datfrozenxid = (SELECT datfrozenxid FROM pg_database
  WHERE datname = current_database())
WHERE datname = 'postgres' AND age(datfrozenxid) > 1000000000
"""


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the database old as long as the context is open."""
    async with await psycopg.AsyncConnection.connect(
        required(places.postgres_owner), autocommit=True
    ) as owner:
        await owner.execute("ALTER SYSTEM SET autovacuum = off")
        await owner.execute("SELECT pg_reload_conf()")
        try:
            await owner.execute(_OLD)
            yield
        finally:
            await owner.execute(_YOUNG)
            await owner.execute("ALTER SYSTEM RESET autovacuum")
            await owner.execute("SELECT pg_reload_conf()")
