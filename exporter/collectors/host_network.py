"""What the network devices of our own network namespace carried and lost.

node_network_receive_bytes_total{device="eth0"} 1.910428519e+09
node_network_transmit_errs_total{device="eth0"} 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_COLUMNS = {  # in the order of the file
    "receive": "bytes packets errs drop fifo frame compressed multicast",
    "transmit": "bytes packets errs drop fifo colls carrier compressed",
}
_HEADING_LINES = 2

METRICS = tuple(
    counter(
        f"node_network_{way}_{what}_total",
        f"{what} of /proc/net/dev, {way}: {'bytes' if what == 'bytes' else 'number'}.",
        "device",
    )
    for way, columns in _COLUMNS.items()
    for what in columns.split()
)


async def read(source: HostSource) -> dict[str, list[int]]:
    """Read /proc/net/dev."""
    return parse(await source.text("proc/net/dev"))


def parse(text: str) -> dict[str, list[int]]:
    """Return each device's figures in the order of the file."""
    found = {}
    for line in text.splitlines()[_HEADING_LINES:]:
        device, _, figures = line.rpartition(":")
        found[device.strip()] = [int(figure) for figure in figures.split()]
    return found


def samples(devices: Mapping[str, list[int]], state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    for device, figures in devices.items():
        for metric, value in zip(METRICS, figures, strict=False):
            yield metric(value, device)


COLLECTOR = Collector(
    name="network",
    source=SourceKind.HOST,
    metrics=METRICS,
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
