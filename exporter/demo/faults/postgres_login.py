"""Takes the right to log in from the role that the exporter uses, and ends its session.

Breaks the promise that every target answers: the server is well, and nothing about it
is known any more.
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

_SESSIONS = "FROM pg_stat_activity WHERE usename = 'monitor'"


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the role from logging in as long as the context is open."""
    url = required(places.postgres_owner)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        await owner.execute("ALTER ROLE monitor NOLOGIN")
        await owner.execute(f"SELECT pg_terminate_backend(pid) {_SESSIONS}")
        try:
            yield
        finally:
            await owner.execute("ALTER ROLE monitor LOGIN")
