"""Asks file systems how full they are, and goes on when one of them never answers."""

from __future__ import annotations

import asyncio
import os
from threading import Lock
from typing import TYPE_CHECKING

from exporter.sources.host_worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STUCK = "mountpoint timeout"  # as node_exporter calls it


class _Batch:
    """The paths that one visit asks, and how far it has come."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        self.answers: list[os.statvfs_result | str] = []
        self.abandoned = False


class Mounts:
    """Asks each path in turn; one that hangs is left alone until it has come back."""

    def __init__(
        self, statvfs: Callable[[str], os.statvfs_result] = os.statvfs
    ) -> None:
        """Take the function that may hang."""
        self.stuck: set[str] = set()
        self._statvfs = statvfs
        self._lock = Lock()
        self._worker = Worker("kpi-exporter statvfs")

    async def ask(
        self, paths: Iterable[str], patience: float
    ) -> dict[str, os.statvfs_result | str]:
        """Return each path's figures, or the error instead.

        A path that takes longer than `patience` seconds is STUCK.
        """
        every = dict.fromkeys(paths)
        found: dict[str, os.statvfs_result | str] = dict.fromkeys(
            every.keys() & self.stuck, STUCK
        )
        left = [path for path in every if path not in found]
        while left:
            batch = await self._visit(left, patience)
            answers = list(batch.answers)
            found.update(zip(left, answers, strict=False))
            left = left[len(answers) :]
            if batch.abandoned and left:
                found[left.pop(0)] = STUCK
        return found

    def close(self) -> None:
        """Let the thread end; a hung one ends when its file system answers."""
        self._worker.abandon()

    async def _visit(self, paths: list[str], patience: float) -> _Batch:
        """Ask until all have answered, or one of them has not for `patience`."""
        batch = _Batch(paths)
        visit = asyncio.ensure_future(self._worker.do(lambda: self._ask_all(batch)))
        try:
            while not visit.done():
                before = len(batch.answers)
                await asyncio.wait({visit}, timeout=patience)
                if len(batch.answers) == before:
                    break
        finally:
            if not visit.done():
                self._give_up(batch)
                visit.cancel()
        return batch

    def _give_up(self, batch: _Batch) -> None:
        """Leave the thread to the path that it is at."""
        with self._lock:
            batch.abandoned = True
            self.stuck.update(batch.paths[len(batch.answers) :][:1])
        self._worker.abandon()

    def _ask_all(self, batch: _Batch) -> None:
        """Ask each path; runs in the thread."""
        for path in batch.paths:
            try:
                answer: os.statvfs_result | str = self._statvfs(path)
            except OSError as error:
                answer = os.strerror(error.errno or 0).lower()
            with self._lock:
                if batch.abandoned:
                    self.stuck.discard(path)
                    return
                batch.answers.append(answer)
