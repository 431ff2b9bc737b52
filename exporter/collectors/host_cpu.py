"""What the processors did since the start of the machine, and how busy the kernel was.

node_cpu_seconds_total{cpu="0",mode="idle"} 35210.4
node_cpu_guest_seconds_total{cpu="0",mode="user"} 0
node_context_switches_total 4.504674e+06
node_procs_running 2

The kernel's idle and iowait times can fall a little: then the last value is shown. A
fall of idle by 3 seconds or more is a processor that was switched off and on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_TICKS = 100  # per second; USER_HZ of every platform that Linux has now
_SWITCHED = 3.0
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_GUEST = ("user", "nice")
_IDLE = _MODES.index("idle")

CPU = counter(
    "node_cpu_seconds_total",
    "/proc/stat: seconds by processor and mode; user and nice hold the guests' time.",
    *("cpu", "mode"),
)
GUEST = counter(
    "node_cpu_guest_seconds_total",
    "/proc/stat: seconds spent in guests, by processor and mode.",
    *("cpu", "mode"),
)
SINGLE = {
    "intr": counter("node_intr_total", "/proc/stat: number of interrupts."),
    "ctxt": counter(
        "node_context_switches_total", "/proc/stat: number of context switches."
    ),
    "processes": counter(
        "node_forks_total", "/proc/stat: number of processes and threads begun."
    ),
    "btime": gauge(
        "node_boot_time_seconds", "/proc/stat: Unix time in seconds of the start."
    ),
    "procs_running": gauge(
        "node_procs_running", "/proc/stat: number of threads that run or could."
    ),
    "procs_blocked": gauge(
        "node_procs_blocked", "/proc/stat: number of threads that wait for I/O."
    ),
}


class Stat(NamedTuple):
    """Seconds by processor in the order of the kernel, and single figures by name."""

    cpus: dict[str, tuple[float, ...]]
    single: dict[str, int]


class Shown:
    """The seconds shown last, by processor."""

    def __init__(self) -> None:
        """Begin without processors."""
        self.seconds: dict[str, tuple[float, ...]] = {}

    def rise(self, cpu: str, new: tuple[float, ...]) -> tuple[float, ...]:
        """Take in new seconds; none falls unless the processor was off."""
        old = self.seconds.get(cpu, new)
        if old[_IDLE] - new[_IDLE] < _SWITCHED:
            new = tuple(map(max, new, old))
        self.seconds[cpu] = new
        return new


async def read(source: HostSource) -> Stat:
    """Read /proc/stat."""
    return parse(await source.text("proc/stat"))


def parse(text: str) -> Stat:
    """Take the lines apart; modes that an old kernel lacks are 0."""
    cpus, single = {}, {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name.startswith("cpu") and name != "cpu":
            values = [int(value) / _TICKS for value in rest.split()]
            values += [0.0] * (len(_MODES) + len(_GUEST) - len(values))
            cpus[name.removeprefix("cpu")] = tuple(values)
        elif name in SINGLE:
            single[name] = int(rest.partition(" ")[0])
    return Stat(cpus, single)


def samples(stat: Stat, state: Shown) -> Iterator[Sample]:
    """Turn the figures into samples."""
    for cpu, new in stat.cpus.items():
        seconds = state.rise(cpu, new)
        for mode, value in zip(_MODES, seconds, strict=False):
            yield CPU(value, cpu, mode)
        for mode, value in zip(_GUEST, seconds[len(_MODES) :], strict=False):
            yield GUEST(value, cpu, mode)
    for name, metric in SINGLE.items():
        yield metric(stat.single.get(name))


COLLECTOR = Collector(
    name="cpu",
    source=SourceKind.HOST,
    metrics=(CPU, GUEST, *SINGLE.values()),
    read=read,
    samples=samples,
    state=Shown,
    privilege="none",
)
