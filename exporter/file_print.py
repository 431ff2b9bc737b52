"""Tells whether a file is another one than was read, without reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FilePrint = tuple[int, int, int] | None
"""When it was changed (ns), its size and its number; None without such a file."""


def print_of(file: Path) -> FilePrint:
    """Return what is different once the file is another one."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
