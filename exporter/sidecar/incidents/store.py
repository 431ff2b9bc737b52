"""A SQLite file behind two threads: what `write` returned is on the disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.errors import KpiExporterError
from exporter.sidecar.incidents.schema import set_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
_SHRINK = "PRAGMA incremental_vacuum(2000)"  # pages; what is free goes back in parts
_MOST_TOGETHER = 500  # jobs that share one commit


class StoreError(KpiExporterError):
    """The file cannot be read or written; its text says which file, and why."""


class Store:
    """One writer and one reader, so that a page never waits for a storm.

    Jobs that wait at the same time are committed together: a commit costs the disk the
    same for one alert as for five hundred.
    """

    def __init__(self, path: Path) -> None:
        """Take the file's path; it is opened or made when it is needed first."""
        self._path = path
        self._waiting: deque[tuple[Callable[[sqlite3.Connection], Any], Any]] = deque()
        self._writes = ThreadPoolExecutor(1, "incidents-write")
        self._reads = ThreadPoolExecutor(1, "incidents-read")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    async def close(self) -> None:
        """Finish what is being written, and close the file."""
        loop = asyncio.get_running_loop()
        for thread in (self._reads, self._writes):
            await loop.run_in_executor(thread, self._close, thread)
            thread.shutdown()

    async def shrink(self) -> None:
        """Give free pages back to the file system; raises StoreError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writes, self._shrink)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in a transaction and return once it is durable.

        Raises StoreError when it is not, as with a full disk: then nothing of the job
        was kept.
        """
        done: Future[T] = Future()
        self._waiting.append((job, done))
        self._writes.submit(self._drain)
        return await asyncio.wrap_future(done)

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job that only reads; raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reads, self._read, job)

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.touch(mode=0o600)  # statements and names are nobody else's
            connection = sqlite3.connect(self._path, isolation_level=None)
            connection.row_factory = sqlite3.Row
            set_up(connection)
        except (sqlite3.Error, OSError) as error:
            raise self._said(error) from error
        return connection

    def _shrink(self) -> None:
        try:
            self._open_writer().executescript(_SHRINK)  # execute() frees one page
        except sqlite3.Error as error:
            raise self._said(error) from error

    def _close(self, thread: ThreadPoolExecutor) -> None:
        """Close what a thread has open; SQLite wants that from the same thread."""
        opened = self._reader if thread is self._reads else self._writer
        if opened:
            opened.close()

    def _open_writer(self) -> sqlite3.Connection:
        self._writer = self._writer or self._connect()
        return self._writer

    def _read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._reader = self._reader or self._connect()
            return job(self._reader)
        except sqlite3.Error as error:
            raise self._said(error) from error

    def _drain(self) -> None:
        jobs: list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]] = []
        while self._waiting and len(jobs) < _MOST_TOGETHER:
            job, done = self._waiting.popleft()
            if done.set_running_or_notify_cancel():
                jobs.append((job, done))
        if jobs:
            self._together(jobs)

    def _together(
        self, jobs: list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]]
    ) -> None:
        """Commit jobs as one; when one fails, each by itself."""
        try:
            results = self._transaction([job for job, _ in jobs])
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            if len(jobs) > 1:
                for each in jobs:
                    self._together([each])
                return
            known = isinstance(error, sqlite3.Error)
            jobs[0][1].set_exception(self._said(error) if known else error)
            return
        for (_, done), result in zip(jobs, results, strict=True):
            done.set_result(result)

    def _transaction(
        self, jobs: list[Callable[[sqlite3.Connection], Any]]
    ) -> list[Any]:
        writer = self._open_writer()
        writer.execute("BEGIN IMMEDIATE")
        try:
            results = [job(writer) for job in jobs]
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:  # SQLite ends it itself on a full disk
                writer.execute("ROLLBACK")
            raise
        return results

    def _said(self, error: BaseException) -> StoreError:
        why = error.strerror if isinstance(error, OSError) else error
        return StoreError(
            f"the incidents' file {self._path} cannot be used: {why}; see that its "
            "folder exists, may be written by this user, and has room"
        )
