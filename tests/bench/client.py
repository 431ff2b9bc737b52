"""Scrapes as Prometheus does: kept connections, gzip or plain, timed."""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import time
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 60.0


def request(path: str, *, compressed: bool) -> bytes:
    """Write the request of one scrape."""
    coding = "gzip" if compressed else "identity"
    head = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\n\r\n"
    )
    return head.encode()


class Scraper:
    """One keep-alive connection to a page on loopback."""

    def __init__(
        self, port: int, path: str = "/metrics", *, compressed: bool = True
    ) -> None:
        self._request = request(path, compressed=compressed)
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._compressed = compressed
        self._buffer = bytearray(1 << 24)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fetch(self) -> memoryview:
        """Scrape once and return the body as it came; raises OSError."""
        self._socket.sendall(self._request)
        view = memoryview(self._buffer)
        filled, wanted = 0, -1
        while filled != wanted:
            count = self._socket.recv_into(view[filled:])
            if not count:
                raise ConnectionError("closed in the middle of an answer")
            filled += count
            if wanted < 0:
                wanted = _whole(bytes(view[: min(filled, 4096)]))
        head = self._buffer.index(_END) + len(_END)
        return view[head:filled]

    def text(self) -> str:
        """Scrape once and return the page."""
        body = bytes(self.fetch())
        return (gzip.decompress(body) if self._compressed else body).decode()

    def time(self, count: int) -> list[float]:
        """Scrape so often without a pause; returns seconds, in ascending order."""
        taken = []
        for _ in range(count):
            begun = time.perf_counter()
            self.fetch()
            taken.append(time.perf_counter() - begun)
        return sorted(taken)


def _whole(head: bytes) -> int:
    """Return the length of the whole answer, or -1 when its head is not complete."""
    if _END not in head:
        return -1
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(head.split(b"\r\n")[0].decode())
    length = _LENGTH.search(head)
    if length is None:
        raise ConnectionError("an answer without a length")
    return head.index(_END) + len(_END) + int(length[1])


class Burst(NamedTuple):
    """Many scrapes at once: how many were answered in full, and their seconds."""

    answered: int
    seconds: list[float]


async def burst(port: int, scrapers: int, *, compressed: bool) -> Burst:
    """Scrape `/metrics` from so many new connections at the same moment."""
    asked = request("/metrics", compressed=compressed)
    tasks = [_one(port, asked) for _ in range(scrapers)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    seconds = sorted(taken for taken in results if isinstance(taken, float))
    return Burst(len(seconds), seconds)


async def _one(port: int, asked: bytes) -> float:
    begun = time.perf_counter()
    async with asyncio.timeout(_PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked)
        head = await reader.readuntil(_END)
        left = _whole(head) - len(head)
        while left:
            chunk = await reader.read(min(left, 1 << 16))
            if not chunk:
                raise ConnectionError("closed in the middle of an answer")
            left -= len(chunk)
        writer.close()
    return time.perf_counter() - begun


def quantile(ascending: list[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def samples(page: str) -> int:
    """Count the samples of a page."""
    return sum(1 for line in page.splitlines() if line and line[0] != "#")


def beat(seconds: float, count: int) -> Iterator[int]:
    """Yield so many times at equal distances, however long each turn takes."""
    begun = time.monotonic()
    for turn in range(count):
        time.sleep(max(0.0, begun + turn * seconds - time.monotonic()))
        yield turn


def values(page: str, name: str) -> dict[str, float]:
    """Return the values of a metric by the text of their labels.

    A parser for all that a page may hold would take more CPU time than the exporter.
    """
    found = {}
    for line in page.splitlines():
        if line.startswith(f"{name}{{"):
            labels, _, value = line.rpartition(" ")
            found[labels] = float(value)
    return found


def by_target(page: str, name: str) -> dict[str, float]:
    """Return the highest value of a metric for each target."""
    most: dict[str, float] = {}
    for labels, value in values(page, name).items():
        target = labels.partition('target="')[2].partition('"')[0]
        most[target] = max(most.get(target, value), value)
    return most


def rounds(page: str) -> dict[str, float]:
    """Return the rounds of each target so far: the polls of its busiest collector."""
    return by_target(page, "kpi_exporter_collector_polls_total")
