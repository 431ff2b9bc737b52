"""How many calls can be above a limit at the least and at the most, for certain.

The sharp bounds of Chebyshev and Markov for a distribution within [low, high] of which
mean and variance are known: whatever the calls were, they keep within them.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.collectors._postgres_moments import Window

_SLACK = 1e-5  # of a call, for what rounding does to whole numbers


def above(window: Window, limit: float) -> tuple[int, int]:
    """Return the least and the greatest number of unsolved calls above a limit."""
    calls = window.calls
    if not calls or limit >= window.high:
        return 0, 0
    if limit < window.low:
        return calls, calls
    most = floor(calls * _most_above(window, limit) + _SLACK)
    under = floor(calls * _most_below(window, limit) + _SLACK)
    least = max(0, calls - under)
    return min(least, most), max(least, most)


def _most_above(window: Window, limit: float) -> float:
    """Return the greatest share of calls at or above a limit within the bounds."""
    _, _, mean, variance, low, high, doubt = window
    over = limit - mean
    if variance is None:
        return min(1.0, (mean - low) / (limit - low)) if limit > low else 1.0
    worst = max(0.0, over * (mean - low))  # the variance with most calls above
    variance = min(max(worst, variance - doubt, 0.0), variance + doubt)
    if over <= 0 and variance <= -over * (high - mean):
        return 1.0
    if over > 0 and variance <= over * (mean - low):
        return variance / (variance + over * over)
    if limit <= low:
        return 1.0
    apart = (variance + over * (high - mean)) / ((limit - low) * (high - low))
    return min(1.0, max(0.0, 1.0 - apart))


def _most_below(window: Window, limit: float) -> float:
    """Return the greatest share of calls at or below a limit: the mirror image."""
    exact, calls, mean, variance, low, high, doubt = window
    mirror = type(window)(exact, calls, -mean, variance, -high, -low, doubt)
    return _most_above(mirror, -limit)
