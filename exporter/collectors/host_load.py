"""How many threads want a processor, which kernel serves them, and who says so.

node_load1 0.51
node_load5 0.75
node_load15 0.61
node_uname_info{sysname="Linux",release="6.18.44",version="#1 SMP",…} 1
node_exporter_build_info{version="0.1.0",…} 1
node_textfile_scrape_error 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter import __version__
from exporter.collector import Collector, Finding, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_LOADS = "proc/loadavg"
_DOMAIN = "proc/sys/kernel/domainname"

LOADS = tuple(
    gauge(
        f"node_load{minutes}",
        f"/proc/loadavg: threads that run, could run or wait for I/O; mean of "
        f"{minutes} min.",
    )
    for minutes in (1, 5, 15)
)
UNAME = gauge(
    "node_uname_info",
    "uname: the kernel and the machine's name; always 1.",
    *("sysname", "release", "version", "machine", "nodename", "domainname"),
)
BUILD = gauge(
    "node_exporter_build_info",
    "Version of kpi-exporter, which is no build of Go; always 1.",
    *("branch", "goarch", "goos", "goversion", "revision", "tags", "version"),
)
TEXT_FILES = gauge(
    "node_textfile_scrape_error",
    "Always 0: kpi-exporter reads no text files, so none of them fails.",
)


class Load(NamedTuple):
    """The load averages of 1, 5 and 15 minutes, and the values of uname in order."""

    loads: tuple[float, ...]
    uname: tuple[str, ...]


async def read(source: HostSource) -> Load:
    """Read /proc/loadavg, or ask a system that has none; and uname."""
    texts = await source.texts([_LOADS, _DOMAIN])
    loads = texts[_LOADS].split()[:3] if _LOADS in texts else source.loads()
    uname = source.uname()
    return Load(
        tuple(map(float, loads)),
        (
            *(uname.sysname, uname.release, uname.version, uname.machine),
            *(uname.nodename, texts.get(_DOMAIN, "").strip()),
        ),
    )


def samples(load: Load, state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    for metric, value in zip(LOADS, load.loads, strict=True):
        yield metric(value)
    yield UNAME(1, *load.uname)
    yield BUILD(1, *[None] * (len(BUILD.labels) - 1), __version__)
    yield TEXT_FILES(0)


async def inspect(source: HostSource) -> list[Finding]:
    """Tell what a system that is not Linux does not say."""
    if not source.elsewhere:
        return []
    return [
        Finding(
            f"{source.uname().sysname} gives what psutil can: not pressure, cgroups, "
            "sockets, open files of the machine, time a disk is busy, sensors, RAID, "
            "systemd, proportional memory of processes",
            "the figures of a Linux host are complete",
        )
    ]


COLLECTOR = Collector(
    name="load",
    source=SourceKind.HOST,
    metrics=(*LOADS, UNAME, BUILD, TEXT_FILES),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
    inspect=inspect,
)
