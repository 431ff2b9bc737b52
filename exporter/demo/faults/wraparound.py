"""Makes a table look 1.2 billion transactions old: no such number was made really.

Breaks the promise on wraparound. The ages of the table `customers` and of its database
are written over in the catalogue, and autovacuum, which would mend it, is off
meanwhile.
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

_PLACES = (
    "UPDATE pg_class SET {} WHERE oid = 'customers'::regclass",
    "UPDATE pg_database SET {} WHERE datname = current_database()",
)
_COLUMNS = ("relfrozenxid", "datfrozenxid")
_MOVE = "{0} = (({0}::text::bigint + {1}) % 4294967296)::text::xid"  # they go round
_OLD, _YOUNG = 4294967296 - 1_200_000_000, 1_200_000_000


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the table old as long as the context is open."""
    async with await psycopg.AsyncConnection.connect(
        required(places.postgres_owner), autocommit=True
    ) as owner:
        await owner.execute("ALTER SYSTEM SET autovacuum = off")
        await owner.execute("SELECT pg_reload_conf()")
        try:
            await _move(owner, _OLD)
            yield
        finally:
            await _move(owner, _YOUNG, "age({}) > 1000000000")
            await owner.execute("ALTER SYSTEM RESET autovacuum")
            await owner.execute("SELECT pg_reload_conf()")


async def _move(
    owner: psycopg.AsyncConnection, by: int, condition: str = "true"
) -> None:
    for place, column in zip(_PLACES, _COLUMNS, strict=True):
        change = place.format(_MOVE.format(column, by))
        await owner.execute(f"{change} AND {condition.format(column)}".encode())
