"""What the machine's memory is used for, and what went to disks and came from there.

node_memory_MemTotal_bytes 2.5276514304e+10
node_memory_MemAvailable_bytes 2.3e+10
node_memory_HugePages_Total 0
node_vmstat_pgmajfault 10424
node_vmstat_oom_kill 0

Only fields that node_exporter knows; those of another kernel are absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge, untyped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_BYTES = """
    Active Active(anon) Active(file) AnonHugePages AnonPages Balloon Bounce Buffers
    Cached CmaFree CmaTotal CommitLimit Committed_AS DirectMap1G DirectMap2M DirectMap4k
    Dirty FileHugePages FilePmdMapped HardwareCorrupted Hugepagesize Hugetlb
    Inactive Inactive(anon) Inactive(file) KReclaimable KernelStack Mapped
    MemAvailable MemFree MemTotal Mlocked NFS_Unstable PageTables Percpu
    SReclaimable SUnreclaim SecPageTables Shmem ShmemHugePages ShmemPmdMapped Slab
    SwapCached SwapFree SwapTotal Unevictable VmallocChunk VmallocTotal VmallocUsed
    Writeback WritebackTmp Zswap Zswapped
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
PAGING = {
    field: untyped(f"node_vmstat_{field}", f"{field} of /proc/vmstat: {unit}.")
    for field, unit in (
        ("pgfault", "number of page faults"),
        ("pgmajfault", "number of page faults that had to read a disk"),
        ("pgpgin", "KiB read from disks"),
        ("pgpgout", "KiB written to disks"),
        ("pswpin", "number of pages read from swap"),
        ("pswpout", "number of pages written to swap"),
        ("oom_kill", "number of processes ended for want of memory"),
    )
}
_FIELDS = "proc/meminfo"
_PAGING = "proc/vmstat"


class Memory(NamedTuple):
    """The fields of meminfo, in bytes or pages, and those of vmstat."""

    fields: dict[str, int]
    paging: dict[str, int]


async def read(source: HostSource) -> Memory:
    """Read /proc/meminfo and /proc/vmstat."""
    texts = await source.texts([_PAGING], _FIELDS)
    return Memory(parse(texts[_FIELDS]), parse_paging(texts.get(_PAGING, "")))


def parse(text: str) -> dict[str, int]:
    """Return the figures by field, those in kB as bytes."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        value, _, unit = rest.strip().partition(" ")
        found[name] = int(value) * (1024 if unit == "kB" else 1)
    return found


def parse_paging(text: str) -> dict[str, int]:
    """Return those figures of vmstat that are shown."""
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return {name: int(value) for name, value in pairs if name in PAGING}


def samples(memory: Memory, state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    for name, metric in METRICS.items():
        yield metric(memory.fields.get(name))
    for name, metric in PAGING.items():
        yield metric(memory.paging.get(name))


COLLECTOR = Collector(
    name="memory",
    source=SourceKind.HOST,
    metrics=(*METRICS.values(), *PAGING.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
