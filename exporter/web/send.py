"""Sends ready bytes to many readers at once without keeping a copy per reader."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from exporter.web.service import Page

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Exactly this: Prometheus 3 refuses a scrape without a known type."""

_CHUNK = 16384  # one TLS record
_log = logging.getLogger(__name__)


def accepts_gzip(header: str) -> bool:
    """Say whether an `Accept-Encoding` header allows gzip; `q=0` forbids it."""
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        coding, _, parameter = item.partition(";")
        name, _, weight = parameter.partition("=")
        weights[coding.strip()] = _number(weight) if name.strip() == "q" else 1.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class Sender:
    """Writes pages in chunks; at most `slots` at once, the others wait their turn.

    A slot is held until the kernel has taken the last byte, so the copies outside the
    kernel stay below some 32 KiB per slot. Whoever does not take a page within
    `patience` seconds is cut off, so that slow readers hold no slot for ever.
    """

    def __init__(self, slots: int = 40, patience: float = 30.0) -> None:
        """Begin with all slots free."""
        self._slots = asyncio.Semaphore(slots)
        self._patience = patience

    async def send(self, request: web.Request, page: Page) -> web.StreamResponse:
        """Answer with an exposition, compressed when the client allows it."""
        response = web.StreamResponse()
        response.headers["Content-Type"] = CONTENT_TYPE
        response.headers["Vary"] = "Accept-Encoding"
        if accepts_gzip(",".join(request.headers.getall("Accept-Encoding", ()))):
            response.headers["Content-Encoding"] = "gzip"
            body = page.gzip
        else:
            body = page.plain
        response.content_length = len(body)
        async with self._slots:
            await self._write(request, response, body)
        return response

    async def _write(
        self, request: web.Request, response: web.StreamResponse, body: bytes
    ) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await response.prepare(request)
                if request.method != "HEAD":
                    await _write_chunks(request, response, body)
        except TimeoutError:
            fields = {"remote": request.remote, "path": request.path}
            _log.warning("a slow reader was cut off", extra={"fields": fields})
            if request.transport:
                request.transport.abort()
        except ConnectionError:
            return  # the reader left, which harms nobody else


async def _write_chunks(
    request: web.Request, response: web.StreamResponse, body: bytes
) -> None:
    if request.transport:
        # drain() is to wait for the kernel; with high=0 asyncio's TLS waits for ever
        request.transport.set_write_buffer_limits(high=1)
    view = memoryview(body)
    for start in range(0, len(view), _CHUNK):
        await response.write(view[start : start + _CHUNK])
        await request.writer.drain()
