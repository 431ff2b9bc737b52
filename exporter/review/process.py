"""Runs the parsing process: fed once, killed at its deadline, given no secret."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Any

from exporter.review.shape import PARSE_SECONDS, Dialect, Refusal, ReviewError

_MOST_OUTPUT = 8 * 1024 * 1024
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from exporter.review.worker import main; sys.exit(main())"
)
_LATE = (
    f"parsing took longer than {PARSE_SECONDS:g} s or more memory than it may have; "
    "give single, shorter statements"
)


async def parse(text: str, dialect: Dialect) -> list[dict[str, Any]]:
    """Return each statement with what the worker says of it; raises ReviewError.

    The process gets neither our environment nor our open files, and is gone when this
    returns, however it returns.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", _START, *filter(None, sys.path)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},
            start_new_session=True,
        )
    except OSError as error:
        what = f"the parsing process cannot be started: {error.strerror}"
        raise ReviewError(Refusal.BUSY, what) from error
    request = json.dumps({"text": text, "dialect": dialect}).encode()
    try:
        async with asyncio.timeout(PARSE_SECONDS):
            output = await _talk(process, request)
            status = await process.wait()
    except TimeoutError as error:
        raise ReviewError(Refusal.TOO_COSTLY, _LATE) from error
    finally:
        await _end(process)
    if status != 0:
        raise ReviewError(Refusal.TOO_COSTLY, _LATE)
    return _statements(output)


async def _talk(process: asyncio.subprocess.Process, request: bytes) -> bytes:
    """Write the request and read the answer; an answer beyond bounds is cut off."""
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    with contextlib.suppress(ConnectionError):  # it died: its status says so
        process.stdin.write(request)
        await process.stdin.drain()
    process.stdin.close()
    output = b""
    while chunk := await process.stdout.read(65536):
        output += chunk
        if len(output) > _MOST_OUTPUT:
            raise ReviewError(Refusal.TOO_COSTLY, "the review itself is too long")
    return output


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process if it still runs, and collect it."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _statements(output: bytes) -> list[dict[str, Any]]:
    answer = json.loads(output)
    if problem := answer.get("error"):
        raise ReviewError(
            Refusal(problem["kind"]),
            problem["message"],
            line=problem["line"],
            column=problem["column"],
        )
    found: list[dict[str, Any]] = answer["statements"]
    return found
