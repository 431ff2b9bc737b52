"""INFO of real servers, recorded: each had a replica, an AOF, a limit and errors."""

from __future__ import annotations

from pathlib import Path

from exporter.sources.redis_text import parse_fields

_FOLDER = Path(__file__).parents[1] / "data" / "redis"
MASTERS = ("redis-6.2", "redis-7.0", "valkey-9.1")


def recorded(name: str) -> dict[str, str]:
    """Return the fields of a recorded server."""
    text = (_FOLDER / f"info-{name}.txt").read_text("utf-8")
    return parse_fields(text.replace("\n", "\r\n"))
