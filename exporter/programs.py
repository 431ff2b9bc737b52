"""Runs programs: bounded in time and output, and none is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = 65536


class Ended(NamedTuple):
    """How a program ended: its status (0 when it was cut off), and what it wrote."""

    status: int
    output: bytes


async def run(
    command: Sequence[str], patience: float, most: int, *, errors: bool = False
) -> Ended:
    """Run a program without input for at most `patience` seconds.

    It is ended once it has written more than `most` bytes, of which a few more are
    returned. `errors` adds its standard error to the output. Raises TimeoutError, and
    OSError or ValueError for what cannot be run; whatever happens, neither the program
    nor a child of its session is left.
    """
    async with asyncio.timeout(patience):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT if errors else DEVNULL,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for, as mypy cannot know
        output = b""
        try:
            while chunk := await process.stdout.read(_CHUNK):
                if len(output) <= most:
                    output += chunk
                else:
                    _end(process.pid)
            status = await process.wait()
        except asyncio.CancelledError:
            _end(process.pid)
            await process.wait()
            raise
    return Ended(0 if len(output) > most else status, output)


def _end(session: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)
