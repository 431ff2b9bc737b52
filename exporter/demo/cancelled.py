"""Ends what was told to end, also where a driver has swallowed that."""

from __future__ import annotations

import asyncio


def heed_cancellation() -> None:
    """Raise CancelledError when this task was cancelled and still runs.

    Before Python 3.12 `asyncio.wait_for`, with which redis-py and psycopg wait, drops a
    cancellation that comes in the moment in which what it waits for is done.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
