"""Many readers and slow readers: nobody is refused, nobody holds up the others."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.web.send import Sender
from exporter.web.server import start
from tests.integration.web_support import (
    FixedPage,
    FixedService,
    ask,
    port_of,
    serving,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from exporter.web.server import Server

LARGE = 24 << 20  # more than the kernel keeps for both ends of a connection
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def sending(sender: Sender, size: int) -> AsyncIterator[Server]:
    page = FixedPage(bytes(size), b"")

    async def answer(request: web.Request) -> web.StreamResponse:
        return await sender.send(request, page)

    application = web.Application()
    application.router.add_get("/", answer)
    server = await start(application, "127.0.0.1:0", None)
    try:
        yield server
    finally:
        await server.cleanup()


async def stuck(port: int) -> socket.socket:
    """Ask, and read nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)  # noqa: FBT003 - the library's only way
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, REQUEST)
    return client


async def read_all(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    total = 0
    while piece := await reader.read(1 << 20):
        total += len(piece)
    writer.close()
    return total


def unsent(server: Server) -> list[int]:
    """Return how many bytes each connection keeps outside the kernel."""
    assert server.server is not None
    transports = [connection.transport for connection in server.server.connections]
    return [t.get_write_buffer_size() for t in transports if t is not None]


async def test_two_hundred_readers_at_once_all_get_the_whole_page() -> None:
    everything = "".join(f'a{{b="{number}"}} 1\n' for number in range(30_000))
    async with serving(FixedService(everything)) as url:
        answers = await asyncio.gather(*(ask(f"{url}/metrics") for _ in range(200)))
    assert {(answer.status, answer.body) for answer in answers} == {
        (200, everything.encode())
    }


async def test_a_reader_that_reads_nothing_is_cut_off_and_the_next_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sending(Sender(slots=1, patience=0.5), LARGE) as server:
        slow = await stuck(port_of(server))
        async with asyncio.timeout(20):
            assert await read_all(port_of(server)) > LARGE
        slow.close()
    assert [(record.message, vars(record)["fields"]) for record in caplog.records] == [
        ("a slow reader was cut off", {"remote": "127.0.0.1", "path": "/"})
    ]


async def test_readers_that_stand_still_cost_one_small_piece_each() -> None:
    async with sending(Sender(slots=20, patience=30), LARGE) as server:
        slow = [await stuck(port_of(server)) for _ in range(30)]
        await until(lambda: len(unsent(server)) == 30)
        await until(lambda: sum(size > 0 for size in unsent(server)) == 20)
        kept = unsent(server)
        for client in slow:
            client.close()
    assert max(kept) <= 20_000


async def test_a_reader_that_leaves_is_no_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sending(Sender(slots=1, patience=30), LARGE) as server:
        gone = await stuck(port_of(server))
        await until(lambda: any(unsent(server)))
        gone.close()
        async with asyncio.timeout(20):
            assert await read_all(port_of(server)) > LARGE
    assert caplog.records == []
