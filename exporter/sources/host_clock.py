"""The machine's clock, and what the kernel knows about its error (adjtimex)."""

from __future__ import annotations

import ctypes
import os
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSYNCHRONISED = 5  # what adjtimex returns then (TIME_ERROR)
_NANOSECONDS = 0x2000  # the status bit that says in what `offset` is
_CALLS = {"x86_64": 159, "aarch64": 171}  # adjtimex, by the processor
_MICRO, _NANO = 10**6, 10**9
_FREQUENCY = _MICRO * 65536.0  # the kernel counts 65,536ths of a millionth


class _Timex(ctypes.Structure):
    """struct timex of Linux; only what is read has a name that says something."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("most_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("unused", ctypes.c_long * 4),
        ("tick", ctypes.c_long),
        ("pps", ctypes.c_long * 2),
        ("shift", ctypes.c_int),
        ("pps_more", ctypes.c_long * 5),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


class Timex(NamedTuple):
    """What adjtimex says, in seconds but for the ratio and the status bits.

    `offset` is how far the clock is from the reference, `most_error` the bound of it.
    """

    synchronised: bool
    offset: float
    most_error: float
    estimated_error: float
    frequency_ratio: float
    status: int
    tai_offset: int
    tick: float
    constant: int


class Clock(NamedTuple):
    """Unix time in seconds; `timex` is None where the kernel does not tell."""

    unix: float
    timex: Timex | None


def clock() -> Clock:
    """Read the clock; nothing is set."""
    return Clock(time.time(), _timex())


def _timex() -> Timex | None:
    found = _Timex()
    state = _ask(found)
    if state < 0:
        return None
    unit = _NANO if found.status & _NANOSECONDS else _MICRO
    return Timex(
        synchronised=state != _UNSYNCHRONISED,
        offset=found.offset / unit,
        most_error=found.most_error / _MICRO,
        estimated_error=found.estimated_error / _MICRO,
        frequency_ratio=1 + found.frequency / _FREQUENCY,
        status=found.status,
        tai_offset=found.tai,
        tick=found.tick / _MICRO,
        constant=found.constant,
    )


def _ask(found: _Timex) -> int:
    call = _adjtimex()
    return -1 if call is None else int(call(ctypes.byref(found)))


@cache
def _adjtimex() -> Callable[[Any], int] | None:
    """Find adjtimex itself: the function of libc makes a call that Docker forbids."""
    system = os.uname()
    if system.sysname != "Linux":
        return None
    libc = ctypes.CDLL(None)
    number = _CALLS.get(system.machine)
    return libc.adjtimex if number is None else partial(libc.syscall, number)


class Budget:
    """A time that may be spent, from now on."""

    def __init__(self, seconds: float) -> None:
        """Begin to count."""
        self._end = time.monotonic() + seconds

    @property
    def spent(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self._end
