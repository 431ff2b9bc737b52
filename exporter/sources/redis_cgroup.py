"""How much memory the control group of a server on our machine may take; Linux only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exporter.sources.files import small

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SERVERS = ("redis", "valkey", "keydb")
_MOUNTED = "sys/fs/cgroup"
_NO_LIMIT = 1 << 60  # bytes; cgroup v1 writes a number near 2^63 where none is set


def memory_limit(pid: str, root: Path = Path("/")) -> int | None:
    """Return the least limit in bytes that holds for a process; None without one.

    A process of another name is not the server: its id is that of another machine or
    container. What cannot be read is no limit.
    """
    process = f"{root}/proc/{pid}"
    try:
        name = small(f"{process}/comm").decode("utf-8", "replace")
        groups = small(f"{process}/cgroup").decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    if not any(server in name for server in _SERVERS):
        return None
    limits = [limit for file in _files(groups) if (limit := _limit(f"{root}/{file}"))]
    return min(limits, default=None)


def _files(groups: Iterable[str]) -> Iterator[str]:
    """Yield the files with limits, of the group itself and of those above it."""
    for line in groups:
        _, controllers, path = line.split(":", 2)
        parts = [part for part in path.split("/") if part]
        for depth in range(len(parts), -1, -1):
            folder = "/".join(parts[:depth])
            if not controllers:
                yield f"{_MOUNTED}/{folder}/memory.max"
                yield f"{_MOUNTED}/unified/{folder}/memory.max"
            elif "memory" in controllers.split(","):
                yield f"{_MOUNTED}/memory/{folder}/memory.limit_in_bytes"


def _limit(file: str) -> int | None:
    try:
        text = small(file).strip()
    except OSError:
        return None
    limit = int(text) if text.isdigit() else _NO_LIMIT
    return limit if limit < _NO_LIMIT else None
