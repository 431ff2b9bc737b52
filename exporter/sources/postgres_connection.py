"""Opens a connection to PostgreSQL, under our name."""

from __future__ import annotations

import asyncio
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from collections.abc import Mapping


async def connected(
    given: Mapping[str, Any], password: str | None
) -> AsyncConnection[Any]:
    """Connect by a dsn's parameters, with the password if there is one.

    A connection that is given up is closed at once. Raises what psycopg does.
    """
    parameters = {
        "application_name": "kpi-exporter",
        **given,
        **({"password": password} if password is not None else {}),
        "client_encoding": "UTF8",
    }
    try:
        return await AsyncConnection.connect(
            **parameters, autocommit=True, prepare_threshold=None
        )
    except asyncio.CancelledError as cancelled:
        clear_frames(cancelled.__traceback__)  # only they hold the driver's socket
        raise
