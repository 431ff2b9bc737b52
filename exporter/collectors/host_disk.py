"""What the disks did; partitions, RAM disks and loop devices are left out.

node_disk_read_bytes_total{device="vda"} 7.738868736e+09
node_disk_io_time_seconds_total{device="vda"} 29.924
node_disk_info{device="vda",major="254",minor="0",path="",…,rotational="0"} 1

Discards are known from Linux 4.18 on, flushes from 5.5.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.metrics import Metric, Sample
    from exporter.sources.host import HostSource

_LEFT_OUT = re.compile(r"(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+")
_SECTOR = 512  # bytes, whatever the device's own sectors are
_HEAD = 3  # columns before the figures: major, minor, name
_SERIALS = ("SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL")
_SCALES = {"bytes": (_SECTOR, 1), "seconds": (1, 1000), "number": (1, 1)}


def _counter(name: str, unit: str) -> tuple[Metric, tuple[int, int]]:
    text = f"/proc/diskstats: {unit}."
    return counter(f"node_disk_{name}_total", text, "device"), _SCALES[unit]


# in the order of the file, each with its factor and divisor
FIGURES = (
    _counter("reads_completed", "number"),
    _counter("reads_merged", "number"),
    _counter("read_bytes", "bytes"),
    _counter("read_time_seconds", "seconds"),
    _counter("writes_completed", "number"),
    _counter("writes_merged", "number"),
    _counter("written_bytes", "bytes"),
    _counter("write_time_seconds", "seconds"),
    (
        gauge("node_disk_io_now", "/proc/diskstats: requests under way.", "device"),
        _SCALES["number"],
    ),
    _counter("io_time_seconds", "seconds"),
    _counter("io_time_weighted_seconds", "seconds"),
    _counter("discards_completed", "number"),
    _counter("discards_merged", "number"),
    _counter("discarded_sectors", "number"),
    _counter("discard_time_seconds", "seconds"),
    _counter("flush_requests", "number"),
    _counter("flush_requests_time_seconds", "seconds"),
)
INFO = gauge(
    "node_disk_info",
    "/proc/diskstats, udev and /sys/block: what the disk is; always 1.",
    *("device", "major", "minor", "path", "wwn"),
    *("model", "serial", "revision", "rotational"),
)


class Disk(NamedTuple):
    """A disk: its figures in the order of the file, and what udev knows of it."""

    name: str
    major: str
    minor: str
    figures: list[int]
    properties: dict[str, str]
    rotational: str


async def read(source: HostSource) -> list[Disk]:
    """Read /proc/diskstats, and for each disk udev's file and one of /sys/block."""
    found = parse(await source.text("proc/diskstats"))
    wanted = [path for disk in found for path in (_udev(disk), _queue(disk))]
    texts = await source.texts(wanted)
    return [
        disk._replace(
            properties=properties(texts.get(_udev(disk), "")),
            rotational=texts.get(_queue(disk), "").strip(),
        )
        for disk in found
    ]


def parse(text: str) -> list[Disk]:
    """Return the disks with their figures."""
    return [
        Disk(name, major, minor, [int(figure) for figure in figures], {}, "")
        for major, minor, name, *figures in map(str.split, text.splitlines())
        if not _LEFT_OUT.fullmatch(name)
    ]


def properties(text: str) -> dict[str, str]:
    """Return the properties that udev's file has as lines `E:NAME=value`."""
    lines = (line[2:] for line in text.splitlines() if line.startswith("E:"))
    return dict(line.split("=", 1) for line in lines if "=" in line)


def samples(disks: Sequence[Disk], state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    for disk in disks:
        for (metric, (factor, divisor)), value in zip(
            FIGURES, disk.figures, strict=False
        ):
            scaled = value * factor
            yield metric(scaled if divisor == 1 else scaled / divisor, disk.name)
        known: Mapping[str, str] = disk.properties
        serial = next((known[name] for name in _SERIALS if known.get(name)), None)
        yield INFO(
            1,
            *(disk.name, disk.major, disk.minor),
            *(known.get(name) for name in ("ID_PATH", "ID_WWN", "ID_MODEL")),
            *(serial, known.get("ID_REVISION"), disk.rotational),
        )


def _udev(disk: Disk) -> str:
    return f"run/udev/data/b{disk.major}:{disk.minor}"


def _queue(disk: Disk) -> str:
    return f"sys/block/{disk.name.replace('/', '!')}/queue/rotational"


COLLECTOR = Collector(
    name="disk",
    source=SourceKind.HOST,
    metrics=(*(metric for metric, _ in FIGURES), INFO),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
