"""Every series that this exporter can give: its labels, and who gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from exporter import collectors, health
from exporter.collector import SourceKind
from exporter.metrics import Kind, Metric
from exporter.own import OwnMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="')
_TARGET = "target"


class Series(NamedTuple):
    """A series' labels, and the kind of source and the collector that it comes from.

    Without a collector it is about the target itself; without a kind about us.
    """

    name: str
    type: Kind | None
    labels: frozenset[str]
    kind: SourceKind | None = None
    collector: str = ""


def declared() -> dict[str, Series]:
    """Return what there can be by name; loads all collectors with their drivers."""
    found = {series.name: series for series in _own()}
    for kind in SourceKind:
        if kind in health.UP:
            found |= {s.name: s for s in _series(health.UP[kind], kind, "")}
        for metric in health.OF.get(kind, ()):
            found |= {s.name: s for s in _series(metric, kind, "")}
        for collector in collectors.load(kind):
            for metric in collector.metrics:
                made = _series(metric, kind, collector.name)
                found |= {series.name: series for series in made}
    return found


def _own() -> Iterator[Series]:
    """Yield what we say about ourselves, of the process and of each target."""
    for name, labels in _SAMPLE.findall(OwnMetrics().page().plain.decode()):
        yield Series(name, None, frozenset(_LABEL.findall(labels)))
    for value in vars(health).values():
        if isinstance(value, Metric):
            yield from _series(value, None, "")


def _series(
    metric: Metric, kind: SourceKind | None, collector: str
) -> Iterator[Series]:
    labels = frozenset((_TARGET, *metric.labels))
    plain = Series(metric.name, metric.kind, labels, kind, collector)
    if metric.kind is not Kind.HISTOGRAM:
        yield plain
        return
    for suffix, more in (("_bucket", {"le"}), ("_sum", set()), ("_count", set())):
        yield plain._replace(name=metric.name + suffix, labels=labels | more)
