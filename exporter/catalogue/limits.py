"""Limits with units, as people write them: `100ms`, `80%`, `5GiB`, `1000/s`."""

from __future__ import annotations

import re
from enum import StrEnum
from math import inf

_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SCALES: dict[str, dict[str, float]] = {
    "seconds": {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0},
    "ratio": {"%": 0.01},
    "bytes": {unit: float(size) for unit, size in _BYTES.items()},
    "count": {"": 1.0},
    "per_second": {"/s": 1.0, "/min": 1 / 60},
}
_WRITTEN = {"seconds": "s", "ratio": "%", "bytes": "B", "count": "", "per_second": "/s"}
_LIMIT = re.compile(r"(-?\d{1,15}(?:\.\d+)?)\s*(\D*)")


class Unit(StrEnum):
    """What a KPI's value is measured in; decides how it is written everywhere."""

    SECONDS = "seconds"
    RATIO = "ratio"
    BYTES = "bytes"
    COUNT = "count"
    PER_SECOND = "per_second"


def parse_limit(written: object, unit: Unit) -> float:
    """Read a limit in the base unit; raises ValueError saying which units fit."""
    scales = _SCALES[unit]
    match = _LIMIT.fullmatch(str(written))
    if match is None or isinstance(written, bool) or match[2] not in scales:
        fitting = " or ".join(f"12{suffix}" for suffix in scales)
        raise ValueError(f"{written!r} is no limit in {unit}; write it as {fitting}")
    return round(float(match[1]) * scales[match[2]], 12)


def check_limit(limit: float, unit: Unit, better: str, *, unbounded: bool) -> None:
    """Refuse a limit that every value breaks, or none can; raises ValueError.

    No value is below 0, and no ratio above 1 unless it is `unbounded`. A limit is
    broken by what is worse than it, and kept by what is equal.
    """
    bounded = unit is Unit.RATIO and not unbounded
    nothing, most = f"0{_WRITTEN[unit]}", 1.0 if bounded else inf
    if better == "lower":
        sensible = 0 <= limit < most
        wanted = f"{nothing} or more" + (", and less than 100%," if bounded else "")
    else:
        sensible = 0 < limit <= most
        wanted = f"more than {nothing}" + (", and at most 100%," if bounded else "")
    if not sensible:
        raise ValueError(f"it would be broken always, or never; {wanted} is wanted")
