"""How much processor and memory may be used, and is: of the machine, or of a container.

node_capacity_cpus 1.5
node_capacity_cpu_seconds_total 4021.7
node_capacity_memory_bytes 2.147483648e+09
node_capacity_memory_used_bytes 1.3e+09
node_capacity_info{resource="memory",limit="cgroup",cgroup="/",…} 1
node_cgroup_cpu_throttled_periods_total 12
node_cgroup_oom_kills_total 0

What holds is the least of the machine's size and the limits of the cgroups that the
first process is in: in a container those of the container, elsewhere those of the
machine. What is used is measured at the one that holds. The figures of node_cgroup_…
are there only when a cgroup holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._host_cgroup import Cpu, Memory, cgroups, count, files
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collectors._host_cgroup import Cgroup
    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_STAT = "proc/stat"
_MEMORY = "proc/meminfo"
_MEMBERSHIP = "proc/1/cgroup"
_ONLINE = "sys/devices/system/cpu/online"
_TICKS = 100  # per second, as in the collector cpu
_UNUSED = (3, 4)  # idle and iowait in the columns of /proc/stat
_COLUMNS = 8  # the rest are guests, which are in the first two
_KIB = 1024
_ORIGIN = "/proc or /sys/fs/cgroup"

CPUS = gauge("node_capacity_cpus", f"{_ORIGIN}: number of processors that may be used.")
CPU = counter(
    "node_capacity_cpu_seconds_total",
    f"{_ORIGIN}: seconds of processors used, stolen ones included.",
)
MEMORY = gauge("node_capacity_memory_bytes", f"{_ORIGIN}: bytes that may be used.")
MEMORY_USED = gauge(
    "node_capacity_memory_used_bytes",
    f"{_ORIGIN}: bytes in use that cannot be had back at once.",
)
INFO = gauge(
    "node_capacity_info",
    f"{_ORIGIN}: what sets the limit (machine, cgroup, or cpuset of it); always 1.",
    *("resource", "limit", "cgroup", "cgroup_version"),
)
PERIODS = counter(
    "node_cgroup_cpu_periods_total", "/sys/fs/cgroup cpu.stat: periods of the quota."
)
THROTTLED = counter(
    "node_cgroup_cpu_throttled_periods_total",
    "/sys/fs/cgroup cpu.stat: periods in which the quota was used up.",
)
LOST = counter(
    "node_cgroup_cpu_throttled_seconds_total",
    "/sys/fs/cgroup cpu.stat: seconds for which processors were withheld.",
)
KILLS = counter(
    "node_cgroup_oom_kills_total",
    "/sys/fs/cgroup memory.events: number of processes ended at the limit of memory.",
)
_WORDS = {"some": "waiting", "full": "stalled"}
PRESSURE = {
    (resource, line): counter(
        f"node_cgroup_pressure_{resource}_{_WORDS[line]}_seconds_total",
        f"/sys/fs/cgroup {resource}.pressure: seconds in which {line} work waited.",
    )
    for resource in ("cpu", "memory", "io")
    for line in _WORDS
}


class Capacity(NamedTuple):
    """The machine's own size and use, and the cgroups of its first process."""

    cpu: Cpu
    memory: Memory
    cgroups: list[Cgroup]


class Used:
    """Seconds of processors, which go on when another limit takes over."""

    def __init__(self) -> None:
        """Begin without any."""
        self._total = 0.0
        self._last: tuple[str, float] | None = None

    def rise(self, source: str, seconds: float) -> float:
        """Take in a source's counter; that of another source adds nothing at first."""
        if self._last is None:
            self._total = seconds
        elif self._last[0] == source:
            self._total += max(0.0, seconds - self._last[1])
        self._last = (source, seconds)
        return self._total


async def read(source: HostSource) -> Capacity:
    """Read the machine's size, and the files of the first process's cgroups."""
    texts = await source.texts((_MEMBERSHIP, _ONLINE), _STAT, _MEMORY)
    membership = texts.get(_MEMBERSHIP, "")
    own = await source.texts(dict.fromkeys(files(membership)))
    return Capacity(
        _machine_cpu(texts[_STAT], texts.get(_ONLINE, "")),
        _machine_memory(texts[_MEMORY]),
        cgroups(membership, own),
    )


def _machine_cpu(stat: str, online: str) -> Cpu:
    first, *rest = stat.splitlines()
    columns = first.split()[1 : _COLUMNS + 1]
    ticks = sum(int(it) for n, it in enumerate(columns) if n not in _UNUSED)
    known = sum(line.startswith("cpu") for line in rest)
    cpus = count(online) if online.strip() else known
    return Cpu(cpus, ticks / _TICKS, is_quota=False)


def _machine_memory(meminfo: str) -> Memory:
    fields = {name: rest for name, _, rest in map(_split, meminfo.splitlines())}
    total = int(fields["MemTotal"].split()[0]) * _KIB
    if "MemAvailable" not in fields:  # before Linux 3.14
        return Memory(total, None, None)
    return Memory(total, total - int(fields["MemAvailable"].split()[0]) * _KIB, None)


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def samples(rows: Capacity, state: Used) -> Iterator[Sample]:
    """Show the least limit of each kind, and what is used of it."""
    yield from _cpu(rows, state)
    memory, holder = min(
        [(rows.memory, None), *((it.memory, it) for it in rows.cgroups if it.memory)],
        key=lambda pair: pair[0].limit,
    )
    yield MEMORY(memory.limit)
    yield MEMORY_USED(memory.used)
    yield INFO(1, "memory", "cgroup" if holder else "machine", *_of(holder))
    yield KILLS(memory.oom_kills)
    if holder:
        yield from _pressure(holder, "memory")
        yield from _pressure(holder, "io")


def _cpu(rows: Capacity, state: Used) -> Iterator[Sample]:
    found: list[tuple[Cpu, Cgroup | None]] = [(rows.cpu, None)]
    found += [(cpu, it) for it in rows.cgroups for cpu in it.cpus]
    cpu, holder = min(found, key=lambda pair: pair[0].limit)
    limit = "machine"
    if holder:
        limit = "cgroup" if cpu.is_quota else "cpuset"
    yield CPUS(cpu.limit)
    yield INFO(1, "cpu", limit, *_of(holder))
    if cpu.used is not None:
        yield CPU(state.rise(holder.path if holder else "", cpu.used))
    if holder is None:
        return
    yield from _pressure(holder, "cpu")
    if holder.throttling and cpu.is_quota:
        yield PERIODS(holder.throttling.periods)
        yield THROTTLED(holder.throttling.throttled)
        yield LOST(holder.throttling.seconds)


def _pressure(holder: Cgroup, resource: str) -> Iterator[Sample]:
    for line in _WORDS:
        yield PRESSURE[resource, line](holder.pressure.get((resource, line)))


def _of(holder: Cgroup | None) -> tuple[str, str]:
    return (holder.path, str(holder.version)) if holder else ("", "")


COLLECTOR = Collector(
    name="capacity",
    source=SourceKind.HOST,
    metrics=(
        *(CPUS, CPU, MEMORY, MEMORY_USED, INFO),
        *(PERIODS, THROTTLED, LOST, KILLS, *PRESSURE.values()),
    ),
    read=read,
    samples=samples,
    state=Used,
    privilege="none",
)
