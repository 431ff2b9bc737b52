"""Limits with units, as people write them: `100ms`, `80%`, `5GiB`, `1000/s`."""

from __future__ import annotations

import re
from enum import StrEnum

_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SCALES: dict[str, dict[str, float]] = {
    "seconds": {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0},
    "ratio": {"%": 0.01},
    "bytes": {unit: float(size) for unit, size in _BYTES.items()},
    "count": {"": 1.0},
    "per_second": {"/s": 1.0, "/min": 1 / 60},
}
_LIMIT = re.compile(r"(-?\d+(?:\.\d+)?)\s*(\D*)")


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
