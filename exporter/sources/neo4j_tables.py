"""Gives back the 24 MiB that the driver spends on tables of dates and of numbers."""

from __future__ import annotations

from calendar import isleap, monthrange

from neo4j import time
from neo4j._codec.packstream import v1, v2


class _LeapYears(dict[int, bool]):
    """Whether a year is one, worked out when it is asked for; we hardly do."""

    def __missing__(self, year: int) -> bool:
        return isleap(year)


class _DaysInYear(dict[int, int]):
    """Days by year."""

    def __missing__(self, year: int) -> int:
        return 366 if isleap(year) else 365


class _DaysInMonth(dict[tuple[int, int], int]):
    """Days by (year, month)."""

    def __missing__(self, month: tuple[int, int]) -> int:
        return monthrange(*month)[1]


class _ToTwoBytes(dict[int, bytes]):
    """Numbers below 65,536 as two bytes, such as the lengths of what we send."""

    def __missing__(self, number: int) -> bytes:
        return number.to_bytes(2, "big")


class _FromTwoBytes(dict[bytes, int]):
    """The way back."""

    def __missing__(self, two: bytes) -> int:
        return int.from_bytes(two, "big")


_INSTEAD = (
    (time, "_IS_LEAP_YEAR", _LeapYears),
    (time, "_DAYS_IN_YEAR", _DaysInYear),
    (time, "_DAYS_IN_MONTH", _DaysInMonth),
    (v1, "PACKED_UINT_16", _ToTwoBytes),
    (v2, "PACKED_UINT_16", _ToTwoBytes),
    (v1, "UNPACKED_UINT_16", _FromTwoBytes),
    (v2, "UNPACKED_UINT_16", _FromTwoBytes),
)


def shrink() -> None:
    """Replace the driver's tables, as far as this version of it still has them."""
    for module, name, table in _INSTEAD:
        if hasattr(module, name):
            setattr(module, name, table())
