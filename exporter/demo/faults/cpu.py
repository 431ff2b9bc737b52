"""Keeps every core of this machine busy, for ten minutes at the most.

Breaks the promise on CPU (below 70 %); the burners yield to everything else (nice 15).
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS: tuple[str, ...] = ()

# Ends by itself, also when the demo was killed and nobody is left to end it.
_BURN = """
import os, time
os.nice(15)
parent, finish = os.getppid(), time.monotonic() + 600
while time.monotonic() < finish and os.getppid() == parent:
    sum(range(100_000))
"""


@asynccontextmanager
async def broken(_places: Places) -> AsyncIterator[None]:
    """Burn as long as the context is open."""
    async with AsyncExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            burner = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _BURN, start_new_session=True
            )
            stack.push_async_callback(_end, burner)
        yield


async def _end(burner: Process) -> None:
    with suppress(ProcessLookupError):
        burner.kill()
    await burner.wait()
