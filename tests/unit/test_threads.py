"""Calls in threads of their own: results, errors, and calls that never come back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from threading import Event

import pytest

from exporter.threads import Threads

HANGING = """
import asyncio
from threading import Event
from exporter.threads import Threads

async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(Threads())
    for _ in range(50):
        loop.run_in_executor(None, Event().wait)
    return await asyncio.to_thread(sum, [1, 2])

print(asyncio.run(main()))
"""


async def test_a_call_gives_its_result_or_raises_its_error() -> None:
    asyncio.get_running_loop().set_default_executor(Threads())

    assert await asyncio.to_thread(int, "42", base=10) == 42
    with pytest.raises(ValueError, match="invalid literal"):
        await asyncio.to_thread(int, "x")


async def test_a_call_that_was_given_up_may_come_back_late() -> None:
    asyncio.get_running_loop().set_default_executor(Threads())
    release = Event()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(release.wait), 0.01)
    release.set()

    assert await asyncio.to_thread(release.is_set)


def test_hanging_calls_hold_up_neither_another_call_nor_the_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)
