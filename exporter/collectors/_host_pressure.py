"""Files of pressure stall information, of the machine or of a cgroup."""

from __future__ import annotations

_MICRO = 1_000_000


def totals(text: str) -> dict[str, float]:
    """Return the seconds of each line (`some`, `full`) of a file; empty without one."""
    lines = (line.partition(" ") for line in text.splitlines())
    return {name: int(rest.rpartition("total=")[2]) / _MICRO for name, _, rest in lines}
