"""Tables and queues of the kernel that can be full: files, connections, packets.

node_filefd_allocated 833
node_filefd_maximum 2.466183e+06
node_nf_conntrack_entries 214
node_nf_conntrack_entries_limit 262144
node_nf_conntrack_stat_drop 0
node_softnet_dropped_total{cpu="0"} 0
node_softnet_times_squeezed_total{cpu="0"} 12

Connections are those of the network that the first process sees; they are absent while
the firewall tracks none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_FILES = "proc/sys/fs/file-nr"
_TRACKED = "proc/sys/net/netfilter/nf_conntrack_count"
_MOST_TRACKED = "proc/sys/net/netfilter/nf_conntrack_max"
_TRACKING = "net/stat/nf_conntrack"
_PACKETS = "net/softnet_stat"

ALLOCATED = gauge("node_filefd_allocated", "/proc/sys/fs/file-nr: number of files.")
MAXIMUM = gauge("node_filefd_maximum", "/proc/sys/fs/file-nr: most files at a time.")
TRACKED = gauge(
    "node_nf_conntrack_entries",
    "/proc/sys/net/netfilter/nf_conntrack_count: number of tracked connections.",
)
MOST_TRACKED = gauge(
    "node_nf_conntrack_entries_limit",
    "/proc/sys/net/netfilter/nf_conntrack_max: most connections at a time.",
)
TRACKING = {
    name: gauge(
        f"node_nf_conntrack_stat_{name}",
        f"{name} of /proc/net/stat/nf_conntrack: number since the start.",
    )
    for name in (
        *("found", "invalid", "ignore", "insert", "insert_failed", "drop"),
        *("early_drop", "search_restart"),
    )
}
PACKETS = {
    column: counter(
        f"node_softnet_{name}_total", f"/proc/net/softnet_stat: {text}.", "cpu"
    )
    for column, name, text in (
        (0, "processed", "number of packets taken from devices"),
        (1, "dropped", "number of packets for which the queue was full"),
        (2, "times_squeezed", "number of times that there was no time for the rest"),
    )
}
_CPU_COLUMN = 12  # from Linux 5.10 on; a line per processor that is on


async def read(source: HostSource) -> dict[str, str]:
    """Read the files that are there."""
    return await source.texts((_FILES, _TRACKED, _MOST_TRACKED, _TRACKING, _PACKETS))


def tracking(text: str) -> dict[str, int]:
    """Sum the figures, which are in hexadecimal, over the processors."""
    names, *rows = [line.split() for line in text.splitlines()] or [[]]
    columns = zip(*rows, strict=True)
    return {
        name: sum(int(value, 16) for value in values)
        for name, values in zip(names, columns, strict=False)
    }


def samples(texts: Mapping[str, str], state: None) -> Iterator[Sample]:
    """Turn the files into samples."""
    del state
    if _FILES in texts:
        allocated, _, maximum = map(int, texts[_FILES].split())
        yield ALLOCATED(allocated)
        yield MAXIMUM(maximum)
    known = tracking(texts.get(_TRACKING, ""))
    for name, metric in TRACKING.items():
        yield metric(known.get(name))
    for number, line in enumerate(texts.get(_PACKETS, "").splitlines()):
        row = [int(value, 16) for value in line.split()]
        cpu = row[_CPU_COLUMN] if len(row) > _CPU_COLUMN else number
        for column, packets in PACKETS.items():
            yield packets(row[column], str(cpu))
    for path, metric in ((_TRACKED, TRACKED), (_MOST_TRACKED, MOST_TRACKED)):
        if path in texts:
            yield metric(int(texts[path]))


COLLECTOR = Collector(
    name="kernel_limits",
    source=SourceKind.HOST,
    metrics=(
        *(ALLOCATED, MAXIMUM, TRACKED, MOST_TRACKED),
        *(*TRACKING.values(), *PACKETS.values()),
    ),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
