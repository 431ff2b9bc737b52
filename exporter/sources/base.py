"""What all sources share: the deadline, our own cost, the way of an error out."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager

    from exporter.config import Target

GOODBYE = 1.0
"""Seconds that the end of a source may take."""

ConfigT = TypeVar("ConfigT", bound="Target")
ResultT = TypeVar("ResultT")


class Source(ABC, Generic[ConfigT]):
    """A target's one way to its server: connect, read under a deadline, close.

    `seconds` and `queries` say what we cost the server: wall time spent waiting for it,
    and statements or commands sent. `databases` counts, where a read goes through
    several, how many are in which state. `opened` counts the connections to the server
    that were opened so far. `parts` is what came of parts of reads whose
    failure harms no other, until somebody takes note of it. Only one read runs at a
    time.
    """

    def __init__(self, config: ConfigT) -> None:
        """Keep the target's settings; nothing is opened yet."""
        self.config = config
        self.seconds = 0.0
        self.queries = 0
        self.databases: Mapping[str, int] = {}
        self.opened = 0
        self.parts: dict[str, SourceError | None] = {}
        self._abandoned: set[asyncio.Task[Any]] = set()

    @property
    @abstractmethod
    def connections(self) -> int:
        """Connections to the server that are open now."""

    @abstractmethod
    async def _connect(self) -> None:
        """Open the connection unless a usable one is there; raises as the driver."""

    @abstractmethod
    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        """Run one read on the open connection, in a transaction if there are any."""

    @abstractmethod
    def _classify(self, error: Exception) -> SourceError:
        """Turn an error of the driver into a reason, in words without secrets."""

    @abstractmethod
    def discard(self) -> None:
        """Throw the connection away at once, without waiting for the server."""

    @abstractmethod
    async def close(self) -> None:
        """Close in good order; never waits longer than a second for the server."""

    async def identity(self) -> str | None:
        """Return what another server or a restarted one has otherwise; None: unknown.

        For `run`; it is asked on a new connection.
        """
        return None

    @property
    def hint(self) -> str | None:
        """What may help where a server takes a connection and says nothing on it."""
        return None

    async def connect(self, timeout: float) -> None:
        """Make sure that the server is reached; raises SourceError."""
        try:
            await self._within(self._connect(), timeout)
        except SourceError as error:
            if error.reason is Reason.TIMEOUT:
                error.fix = error.fix or self.hint
            raise

    async def run(
        self, read: Callable[[Self], Awaitable[ResultT]], timeout: float
    ) -> ResultT:
        """Run a collector's `read` within `timeout` seconds; raises SourceError."""
        return await self._within(self._read(read), timeout)

    def together(self) -> AbstractAsyncContextManager[None]:
        """Within it, a read may leave to the next one what ends it.

        At the end all are ended; where that fails, the next `connect` tells why.
        """
        return nullcontext()

    async def timed(self, work: Awaitable[object]) -> float:
        """Return the seconds that something took, for what we measure ourselves."""
        started = time.perf_counter()
        await work
        return time.perf_counter() - started

    async def _within(
        self, work: Coroutine[Any, Any, ResultT], timeout: float
    ) -> ResultT:
        """Bound the work from outside: drivers that cancel may wait for the server."""
        task = asyncio.create_task(work)
        started = time.monotonic()
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        finally:
            self.seconds += time.monotonic() - started
        if not done:
            self._abandon(task)
            raise SourceError(Reason.TIMEOUT, f"no answer within {timeout:g} s")
        try:
            return task.result()
        except SourceError as error:
            self._after(error)
            raise
        except Exception as error:
            classified = self._classify(error)
            self._after(classified)
            raise classified from error

    def _after(self, error: SourceError) -> None:
        if not error.answered:
            self.discard()

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        self.discard()
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    async def _ended(self) -> None:
        """Wait until what was given up has let go of its sockets, a second at most."""
        if self._abandoned:
            await asyncio.wait(self._abandoned, timeout=GOODBYE)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()
