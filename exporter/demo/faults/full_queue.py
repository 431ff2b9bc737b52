"""Listens on a port of loopback and takes no connection, while clients keep coming.

Breaks the promise on connections dropped because a queue was full; ten a second, to a
port that nobody else uses.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS: tuple[str, ...] = ()

_PAUSE = 0.1  # seconds between two clients
_PATIENCE = 3.0  # seconds until a client gives up


@asynccontextmanager
async def broken(_places: Places) -> AsyncIterator[None]:
    """Let clients come as long as the context is open."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        clients = asyncio.create_task(_come(server.getsockname()))
        try:
            yield
        finally:
            clients.cancel()
            with suppress(asyncio.CancelledError):
                await clients


async def _come(address: tuple[str, int]) -> None:
    """Connect again and again, each client with a patience of its own."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_try(address))
            await asyncio.sleep(_PAUSE)


async def _try(address: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket() as client, suppress(OSError, TimeoutError):
        client.setblocking(False)  # noqa: FBT003 - the name of the parameter is "flag"
        async with asyncio.timeout(_PATIENCE):
            await loop.sock_connect(client, address)
            await asyncio.sleep(_PATIENCE)
