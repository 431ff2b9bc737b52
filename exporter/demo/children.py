"""Starts blocking things in threads, so that Ctrl-C ends them at once and surely."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

ResultT = TypeVar("ResultT")

_LOOK_AGAIN = 0.2


async def in_thread(work: Callable[[], ResultT]) -> ResultT:
    """Run blocking work that starts processes; returns only when it has ended.

    A thread cannot be cancelled. When we are, every process below us is killed until
    the work gives up: it then is left with nothing to wait for.
    """
    running = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            _kill_all()
            await asyncio.wait({running}, timeout=_LOOK_AGAIN)
        if not running.cancelled():
            running.exception()
        raise


def _kill_all() -> None:
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
