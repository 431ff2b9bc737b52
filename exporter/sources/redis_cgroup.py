"""How much memory the control group of a server on our machine may take; Linux only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVERS = ("redis", "valkey", "keydb")
_NO_LIMIT = 1 << 60  # bytes; cgroup v1 writes a number near 2^63 where none is set


def memory_limit(pid: str, root: Path = Path("/")) -> int | None:
    """Return the least limit in bytes that holds for a process; None without one.

    A process of another name is not the server: its id is that of another machine or
    container. What cannot be read is no limit.
    """
    try:
        name = (root / "proc" / pid / "comm").read_text("utf-8")
        groups = (root / "proc" / pid / "cgroup").read_text("utf-8").splitlines()
    except OSError:
        return None
    if not any(server in name for server in _SERVERS):
        return None
    limits = [limit for file in _files(groups, root) if (limit := _limit(file))]
    return min(limits, default=None)


def _files(groups: list[str], root: Path) -> Iterator[Path]:
    """Yield the files with limits, of the group itself and of those above it."""
    mounted = root / "sys/fs/cgroup"
    for line in groups:
        _, controllers, path = line.split(":", 2)
        inner = Path(path.lstrip("/"))
        for folder in (inner, *inner.parents):
            if not controllers:
                yield mounted / folder / "memory.max"
                yield mounted / "unified" / folder / "memory.max"
            elif "memory" in controllers.split(","):
                yield mounted / "memory" / folder / "memory.limit_in_bytes"


def _limit(file: Path) -> int | None:
    try:
        text = file.read_text("utf-8").strip()
    except OSError:
        return None
    limit = int(text) if text.isdigit() else _NO_LIMIT
    return limit if limit < _NO_LIMIT else None
