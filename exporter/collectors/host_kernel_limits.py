"""Tables of the kernel that can be full: open files and tracked connections.

node_filefd_allocated 833
node_filefd_maximum 2.466183e+06
node_nf_conntrack_entries 214
node_nf_conntrack_entries_limit 262144

Connections are those of the network that the first process sees; they are absent while
the firewall tracks none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_FILES = "proc/sys/fs/file-nr"
_TRACKED = "proc/sys/net/netfilter/nf_conntrack_count"
_MOST_TRACKED = "proc/sys/net/netfilter/nf_conntrack_max"

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


async def read(source: HostSource) -> dict[str, str]:
    """Read the files that are there."""
    return await source.texts((_FILES, _TRACKED, _MOST_TRACKED))


def samples(texts: Mapping[str, str], state: None) -> Iterator[Sample]:
    """Turn the files into samples."""
    del state
    if _FILES in texts:
        allocated, _, maximum = map(int, texts[_FILES].split())
        yield ALLOCATED(allocated)
        yield MAXIMUM(maximum)
    for path, metric in ((_TRACKED, TRACKED), (_MOST_TRACKED, MOST_TRACKED)):
        if path in texts:
            yield metric(int(texts[path]))


COLLECTOR = Collector(
    name="kernel_limits",
    source=SourceKind.HOST,
    metrics=(ALLOCATED, MAXIMUM, TRACKED, MOST_TRACKED),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
