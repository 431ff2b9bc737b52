"""A thread for reads that may hang for ever, such as those of a dead network disk.

It is a daemon: a read that never returns holds up neither the event loop nor the exit.
"""

from __future__ import annotations

import asyncio
import contextlib
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    _Job = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]]

ResultT = TypeVar("ResultT")


class Worker:
    """Does one job after the other in a thread of its own, started when needed."""

    def __init__(self, name: str) -> None:
        """Name the thread, for those who look at the process."""
        self._name = name
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._threads: list[Thread] = []

    @property
    def hung(self) -> int:
        """Threads that were abandoned and still have not come back."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return len(self._threads) - (self._jobs is not None)

    async def do(self, job: Callable[[], ResultT]) -> ResultT:
        """Run a job in the thread and return what it returns or raises."""
        if self._jobs is None:
            self._jobs = SimpleQueue()
            thread = Thread(
                target=_work, args=(self._jobs,), name=self._name, daemon=True
            )
            self._threads.append(thread)
            thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        self._jobs.put((loop, future, job))
        return await future

    def abandon(self) -> None:
        """Let the thread end after the job it is at; the next job gets a new one."""
        if self._jobs is not None:
            self._jobs.put(None)
            self._jobs = None


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    while (given := jobs.get()) is not None:
        loop, future, job = given
        result: Any = None
        error: Exception | None = None
        try:
            result = job()
        except Exception as caught:  # noqa: BLE001 - it is raised where it is awaited
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop may have been closed
            loop.call_soon_threadsafe(_settle, future, result, error)
        del given, future, job, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
