"""Asks for texts of statements, which the server reads from a file, all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.sources.postgres import PostgresSource

_REFUSED = 1800.0  # seconds


async def texts_for(
    source: PostgresSource, query: str, asked: list[int]
) -> list[tuple[Any, ...]] | None:
    """Return what a query of texts gives; None where one of all has another encoding.

    The server gives up then, be it one that nobody asked for, but has read its whole
    file of texts: for a while it is not asked again.
    """
    now = asyncio.get_running_loop().time()
    if now < source.texts_refused_until:
        return None
    found = await source.part(
        "texts of statements", lambda here: here.tuples(query, (asked,))
    )
    if found is None:
        source.texts_refused_until = now + _REFUSED
    return found
