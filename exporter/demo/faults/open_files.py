"""Lets a Python process have 250 of the 256 files open that its limit allows.

Breaks the promise on the open files of a process group; ends by itself after ten
minutes.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS: tuple[str, ...] = ()

# Ends by itself, also when the demo was killed and nobody is left to end it.
_HOLD = """
import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
held = []
while not held or held[-1] < 249:
    held.append(os.open("/dev/null", os.O_RDONLY))
parent, finish = os.getppid(), time.monotonic() + 600
while time.monotonic() < finish and os.getppid() == parent:
    time.sleep(0.5)
"""


@asynccontextmanager
async def broken(_places: Places) -> AsyncIterator[None]:
    """Hold the files as long as the context is open."""
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, start_new_session=True
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            holder.kill()
        await holder.wait()
