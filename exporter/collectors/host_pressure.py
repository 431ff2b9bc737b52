"""How long work waited for a processor, for memory or for disks (PSI).

node_pressure_cpu_waiting_seconds_total 2563.386
node_pressure_io_stalled_seconds_total 49.518
node_pressure_memory_stalled_seconds_total 0

Waiting: some work did. Stalled: all work did, so that the processors had nothing to do.
A kernel without it (before 4.20, or started with psi=0) shows none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._host_pressure import totals
from exporter.metrics import counter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_WORDS = {"some": "waiting", "full": "stalled"}

METRICS = {
    (resource, line): counter(
        f"node_pressure_{resource}_{_WORDS[line]}_seconds_total",
        f"/proc/pressure/{resource}: seconds in which {line} work waited.",
    )
    for resource, line in (
        *(("cpu", "some"), ("io", "some"), ("io", "full")),
        *(("memory", "some"), ("memory", "full"), ("irq", "full")),
    )
}


async def read(source: HostSource) -> dict[str, str]:
    """Read the files of /proc/pressure that are there."""
    paths = dict.fromkeys(f"proc/pressure/{resource}" for resource, _ in METRICS)
    return await source.texts(paths)


def samples(texts: Mapping[str, str], state: None) -> Iterator[Sample]:
    """Turn the files into samples."""
    del state
    for (resource, line), metric in METRICS.items():
        yield metric(totals(texts.get(f"proc/pressure/{resource}", "")).get(line))


COLLECTOR = Collector(
    name="pressure",
    source=SourceKind.HOST,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
