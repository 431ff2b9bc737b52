"""INFO of real servers, recorded: each had a replica, an AOF, a limit and errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exporter.sources.redis_text import parse_fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.metrics import Sample

_FOLDER = Path(__file__).parents[1] / "data" / "redis"
MASTERS = ("redis-6.2", "redis-7.0", "valkey-9.1")


def recorded(name: str) -> dict[str, str]:
    """Return the fields of a recorded server."""
    text = (_FOLDER / f"info-{name}.txt").read_text("utf-8")
    return parse_fields(text.replace("\n", "\r\n"))


def values(samples: Iterable[Sample]) -> dict[str, dict[tuple[str | None, ...], float]]:
    """Return the present values by name and labels; a duplicate is an error."""
    found: dict[str, dict[tuple[str | None, ...], float]] = {}
    for metric, value, labels, _ in samples:
        if value is None:
            continue
        family = found.setdefault(metric.name, {})
        assert labels not in family, f"{metric.name}{labels} twice"
        assert len(labels) == len(metric.labels)
        family[labels] = value
    return found
