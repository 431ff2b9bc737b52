"""A token bucket: so many requests a second, and bursts of the same number."""

from __future__ import annotations


class TokenBucket:
    """Allows `rate` takes a second; time is handed in, by any steady clock."""

    def __init__(self, rate: float) -> None:
        """Begin with a full bucket."""
        self._rate = rate
        self._tokens = rate
        self._last: float | None = None

    def take(self, now: float) -> bool:
        """Take one token; False when none is left."""
        passed = 0.0 if self._last is None else now - self._last
        self._last = now
        self._tokens = min(self._rate, self._tokens + passed * self._rate)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
