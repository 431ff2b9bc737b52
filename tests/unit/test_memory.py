"""Memory that was used for a moment goes back to the system."""

from __future__ import annotations

import platform
from pathlib import Path

from exporter.memory import trim

_PIECE = 4096  # bytes: small enough to lie in the heap, large enough for whole pages


def anonymous() -> int:
    """Return the KiB that no file backs."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(text.split("Anonymous:")[1].split()[0])


def test_what_is_free_below_something_kept_is_returned() -> None:
    pieces = [bytes(_PIECE) for _ in range(5000)]
    top = bytes(_PIECE)
    del pieces
    before = anonymous()
    trim()
    returned = before - anonymous()
    assert returned > (10_000 if platform.libc_ver()[0] == "glibc" else -1000)
    assert len(top) == _PIECE
