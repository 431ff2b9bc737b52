"""A TCP proxy on loopback that counts the bytes a server sends."""

from __future__ import annotations

import asyncio
import threading
from typing import Self

_CHUNK = 1 << 16


class Tap:
    """Passes everything on to a port; `received` is what came back from there."""

    def __init__(self, port: int) -> None:
        self.received = 0
        self.port = 0
        self._behind = port
        self._listens = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=asyncio.run, args=[self._run()])

    def __enter__(self) -> Self:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._end.wait()
        server.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        behind = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.gather(
            self._pass(reader, behind[1], counted=False),
            self._pass(behind[0], writer, counted=True),
        )

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        counted: bool,
    ) -> None:
        try:
            while data := await reader.read(_CHUNK):
                self.received += len(data) * counted
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # either side may leave; the other is told below
        finally:
            writer.close()
