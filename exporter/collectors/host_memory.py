"""What the machine's memory is used for.

node_memory_MemTotal_bytes 2.5276514304e+10
node_memory_MemAvailable_bytes 2.3e+10
node_memory_HugePages_Total 0

Only fields that node_exporter knows; those of another kernel are absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_BYTES = """
    Active Active(anon) Active(file) AnonHugePages AnonPages Bounce Buffers Cached
    CmaFree CmaTotal CommitLimit Committed_AS DirectMap1G DirectMap2M DirectMap4k Dirty
    HardwareCorrupted Hugepagesize Inactive Inactive(anon) Inactive(file) KernelStack
    Mapped MemAvailable MemFree MemTotal Mlocked NFS_Unstable PageTables Percpu
    SReclaimable SUnreclaim Shmem ShmemHugePages ShmemPmdMapped Slab SwapCached SwapFree
    SwapTotal Unevictable VmallocChunk VmallocTotal VmallocUsed Writeback WritebackTmp
    Zswap Zswapped
"""
_PAGES = "HugePages_Free HugePages_Rsvd HugePages_Surp HugePages_Total"
_PARENTHESES = str.maketrans({"(": "_", ")": None})

METRICS = {
    field: gauge(
        f"node_memory_{field.translate(_PARENTHESES)}{suffix}",
        f"{field} of /proc/meminfo: {unit}.",
    )
    for fields, suffix, unit in (
        (_BYTES, "_bytes", "bytes"),
        (_PAGES, "", "number of huge pages"),
    )
    for field in fields.split()
}


async def read(source: HostSource) -> dict[str, int]:
    """Read /proc/meminfo."""
    return parse(await source.text("proc/meminfo"))


def parse(text: str) -> dict[str, int]:
    """Return the figures by field, those in kB as bytes."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        value, _, unit = rest.strip().partition(" ")
        found[name] = int(value) * (1024 if unit == "kB" else 1)
    return found


def samples(fields: Mapping[str, int], state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    for name, metric in METRICS.items():
        yield metric(fields.get(name))


COLLECTOR = Collector(
    name="memory",
    source=SourceKind.HOST,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
