"""What the network devices carried and lost, whether they are up, and how fast.

node_network_receive_bytes_total{device="eth0"} 1.910428519e+09
node_network_transmit_errs_total{device="eth0"} 0
node_network_up{device="eth0"} 1
node_network_speed_bytes{device="eth0"} 1.25e+09
node_bonding_slaves{master="bond0"} 2
node_bonding_active{master="bond0"} 1

The devices are those that the first process sees; what /sys says of them is about our
own network namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_COLUMNS = {  # in the order of the file
    "receive": "bytes packets errs drop fifo frame compressed multicast",
    "transmit": "bytes packets errs drop fifo colls carrier compressed",
}
_HEADING_LINES = 2
_CLASS = "sys/class/net"
_MASTERS = f"{_CLASS}/bonding_masters"
_MEGABIT = 1_000_000 / 8  # bytes

METRICS = tuple(
    counter(
        f"node_network_{way}_{what}_total",
        f"{what} of /proc/net/dev, {way}: {'bytes' if what == 'bytes' else 'number'}.",
        "device",
    )
    for way, columns in _COLUMNS.items()
    for what in columns.split()
)
NO_HANDLER = counter(
    "node_network_receive_nohandler_total",
    "/sys/class/net rx_nohandler: number of packets that nobody wanted.",
    "device",
)
UP = gauge(
    "node_network_up", "/sys/class/net operstate: 1 if it is up, else 0.", "device"
)
SPEED = gauge(
    "node_network_speed_bytes", "/sys/class/net speed: bytes per second.", "device"
)
SLAVES = gauge(
    "node_bonding_slaves", "/sys/class/net bonding: number of devices.", "master"
)
ACTIVE = gauge(
    "node_bonding_active", "/sys/class/net bonding: number that are up.", "master"
)


class Network(NamedTuple):
    """The devices' figures in the order of the file, and the files of /sys by path."""

    devices: dict[str, list[int]]
    texts: dict[str, str]


async def read(source: HostSource) -> Network:
    """Read /proc/net/dev, and of each device some files of /sys."""
    devices = parse(await source.text("net/dev"))
    names = ("operstate", "speed", "statistics/rx_nohandler")
    paths = [f"{_CLASS}/{device}/{name}" for device in devices for name in names]
    texts = await source.texts([*paths, _MASTERS])
    if _MASTERS in texts:
        texts |= await source.matching(
            f"{_CLASS}/*/bonding/slaves", f"{_CLASS}/*/bonding_slave/mii_status"
        )
    return Network(devices, texts)


def parse(text: str) -> dict[str, list[int]]:
    """Return each device's figures in the order of the file."""
    found = {}
    for line in text.splitlines()[_HEADING_LINES:]:
        device, _, figures = line.rpartition(":")
        found[device.strip()] = [int(figure) for figure in figures.split()]
    return found


def samples(network: Network, state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    texts = network.texts
    for device, figures in network.devices.items():
        for metric, value in zip(METRICS, figures, strict=False):
            yield metric(value, device)
        folder = f"{_CLASS}/{device}"
        yield NO_HANDLER(_number(texts, f"{folder}/statistics/rx_nohandler"), device)
        if (operation := texts.get(f"{folder}/operstate")) is not None:
            yield UP(int(operation.strip() == "up"), device)
        speed = _number(texts, f"{folder}/speed")
        yield SPEED(None if speed is None else speed * _MEGABIT, device)
    for master in texts.get(_MASTERS, "").split():
        slaves = texts.get(f"{_CLASS}/{master}/bonding/slaves", "").split()
        files = [f"{_CLASS}/{slave}/bonding_slave/mii_status" for slave in slaves]
        yield SLAVES(len(slaves), master)
        yield ACTIVE(sum(texts.get(file, "").strip() == "up" for file in files), master)


def _number(texts: Mapping[str, str], path: str) -> int | None:
    """Return a number; the kernel writes -1 where a device has no speed."""
    text = texts.get(path, "").strip()
    return int(text) if text.isdigit() else None


COLLECTOR = Collector(
    name="network",
    source=SourceKind.HOST,
    metrics=(*METRICS, NO_HANDLER, UP, SPEED, SLAVES, ACTIVE),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
