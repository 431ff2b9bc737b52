"""Where a value goes: the straight line through a period, and when it meets a limit."""

from __future__ import annotations

from math import sqrt
from statistics import linear_regression
from typing import TYPE_CHECKING

from exporter.report.model import Trend

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST = 10  # points
_NOISE = 2.0  # a change must be so many times the spread around the line
_LEAST = 0.01  # and this share of the value or the limit
_SIGHT = 10.0  # periods ahead; further on a line through one period says nothing


def trend(points: Sequence[tuple[float, float]], limit: float | None) -> Trend:
    """Say how a value changed over its points and when it reaches a limit so.

    The change is that of the least-squares line. It is named where it is twice the
    spread around the line at least, and one per cent of value or limit.
    """
    if len(points) < _FEWEST:
        return Trend()
    first = points[0][0]
    times = [at - first for at, _ in points]
    values = [value for _, value in points]
    if not times[-1]:
        return Trend()
    slope, start = linear_regression(times, values)
    residuals = (v - start - slope * t for t, v in zip(times, values, strict=True))
    spread = sqrt(sum(each * each for each in residuals) / len(points))
    change = slope * times[-1]
    scale = max(abs(limit or 0.0), *(abs(value) for value in values))
    if abs(change) < max(_NOISE * spread, _LEAST * scale) or not change:
        return Trend()
    return Trend(change, _reaches(start + change, slope, limit, times[-1]))


def _reaches(
    now: float, slope: float, limit: float | None, span: float
) -> float | None:
    """Return the seconds until the line meets the limit, if it does within sight."""
    if limit is None:
        return None
    seconds = (limit - now) / slope
    return seconds if 0 < seconds <= _SIGHT * span else None
