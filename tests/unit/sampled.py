"""Samples as a test wants to compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.metrics import Sample


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
