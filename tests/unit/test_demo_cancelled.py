"""A task that was cancelled ends, whatever has swallowed its cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from exporter.demo.cancelled import heed_cancellation


async def test_a_swallowed_cancellation_is_heeded() -> None:
    waits = asyncio.Event()

    async def swallows() -> None:
        with suppress(asyncio.CancelledError):
            waits.set()
            await asyncio.Event().wait()
        heed_cancellation()

    task = asyncio.create_task(swallows())
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_nobody_cancelled_goes_on() -> None:
    heed_cancellation()
