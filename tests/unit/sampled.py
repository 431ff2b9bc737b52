"""Samples as a test wants to compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.metrics import Sample

Values = dict[str, dict[tuple[str | None, ...], float]]


def values(samples: Iterable[Sample]) -> Values:
    """Return the present values by name and labels; a duplicate is an error.

    Those of a histogram have the names of its series, `le` is the last label.
    """
    found: Values = {}
    for metric, value, labels, suffix in samples:
        if value is None:
            continue
        family = found.setdefault(metric.name + suffix, {})
        assert labels not in family, f"{metric.name}{labels} twice"
        assert len(labels) == len(metric.labels) + (suffix == "_bucket")
        family[labels] = value
    return found
