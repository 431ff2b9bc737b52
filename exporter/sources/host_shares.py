"""Reads what processes take of memory when what they share is divided among them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.host_clock import Budget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.sources.host_processes import Process

_KIB = 1024
_FIGURES = ("Pss", "SwapPss")


class Share(NamedTuple):
    """A process's share of memory and of swap in bytes; None where it was not read."""

    group: str
    memory: int | None
    swap: int | None


def shares(proc: str, found: Iterable[Process], seconds: float) -> list[Share]:
    """Read the shares, the largest processes first, until `seconds` have gone by.

    The kernel walks through all pages of a process for it, which takes a large one some
    milliseconds in which it waits for its own memory.
    """
    budget = Budget(seconds)
    return [
        _share(proc, process, is_read=not budget.spent)
        for process in sorted(found, key=lambda it: it.resident_bytes, reverse=True)
    ]


def _share(proc: str, process: Process, *, is_read: bool) -> Share:
    if not is_read:
        return Share(process.group, None, None)
    try:
        with open(f"{proc}/{process.pid}/smaps_rollup", encoding="utf-8") as file:  # noqa: PTH123 - quick
            lines = [line.split() for line in file]
    except ProcessLookupError:
        return Share(process.group, 0, 0)  # it has ended
    except FileNotFoundError:  # so it has, unless the kernel has no such file
        nothing = None if os.path.exists(f"{proc}/{process.pid}") else 0  # noqa: PTH110 - proc is text
        return Share(process.group, nothing, nothing)
    except PermissionError:
        return Share(process.group, None, None)
    figures = {line[0].rstrip(":"): int(line[1]) for line in lines[1:]}
    memory, swap = (figures.get(name, 0) * _KIB for name in _FIGURES)
    return Share(process.group, memory, swap)
