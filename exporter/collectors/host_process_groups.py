"""What the processes of each configured group take, such as `python` or `postgres`.

node_process_group_cpu_seconds_total{group="python",mode="user"} 12.5
node_process_group_resident_memory_bytes{group="python"} 1.2e+08
node_process_group_processes{group="python"} 4
node_process_group_open_fds{group="python"} 61

A process is of a group when the kernel's name of it, or the file name of its program,
is the group's name with or without a version. Counters begin at 0 with us and keep what
ended processes took; what begins and ends between two polls is not seen. Where the
kernel keeps a process's open files or I/O from us, its group has none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Finding, SourceKind
from exporter.metrics import counter, gauge
from exporter.state import difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource
    from exporter.sources.host_processes import Process, Processes

PROCESSES = gauge(
    "node_process_group_processes", "/proc/PID/stat: number of processes.", "group"
)
THREADS = gauge(
    "node_process_group_threads", "/proc/PID/stat: number of threads.", "group"
)
RESIDENT = gauge(
    "node_process_group_resident_memory_bytes",
    "/proc/PID/stat: bytes; memory that processes share counts for each.",
    "group",
)
OPEN_FILES = gauge(
    "node_process_group_open_fds", "/proc/PID/fd: number of open files.", "group"
)
CPU = counter(
    "node_process_group_cpu_seconds_total",
    "/proc/PID/stat: seconds of processor time.",
    *("group", "mode"),
)
FAULTS = counter(
    "node_process_group_major_page_faults_total",
    "/proc/PID/stat: number of pages that had to be read from a disk.",
    "group",
)
READ = counter(
    "node_process_group_read_bytes_total",
    "/proc/PID/io: bytes read from disks.",
    "group",
)
WRITTEN = counter(
    "node_process_group_written_bytes_total",
    "/proc/PID/io: bytes written to disks.",
    "group",
)
_COUNTERS = 5


class _Identity(NamedTuple):
    """A process for its whole life: process ids are used again."""

    pid: int
    start: float


class Totals:
    """Sums of differences by group, and the counters of each process last seen."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.of: defaultdict[str, tuple[float, ...]] = defaultdict(
            lambda: (0,) * _COUNTERS
        )
        self._last: dict[_Identity, tuple[float, ...]] = {}
        self._uptime: float | None = None

    def update(self, processes: Processes) -> None:
        """Add what each process took since the last poll.

        One that began before it and was not seen then is only noted: what it took
        until now would look as if it had been taken at once.
        """
        last, self._last = self._last, {}
        for process in processes.found:
            identity = _Identity(process.pid, process.start)
            now = self._last[identity] = _counters(process)
            before = last.get(identity)
            if before is None and not self._is_new(process):
                continue
            change = difference(now, before)
            total = self.of[process.group]
            self.of[process.group] = tuple(map(sum, zip(total, change, strict=True)))
        self._uptime = processes.uptime

    def _is_new(self, process: Process) -> bool:
        return self._uptime is not None and process.start >= self._uptime


def _counters(process: Process) -> tuple[float, ...]:
    return (
        *(process.user_ticks, process.system_ticks, process.major_faults),
        *(process.read_bytes or 0, process.written_bytes or 0),
    )


async def read(source: HostSource) -> Processes:
    """Read the processes of the configured groups."""
    return await source.processes()


def samples(processes: Processes, state: Totals) -> Iterator[Sample]:
    """Sum the processes by group; a group without any is shown as 0."""
    state.update(processes)
    members: dict[str, list[Process]] = {group: [] for group in processes.groups}
    for process in processes.found:
        members[process.group].append(process)
    for group, found in members.items():
        user, system, faults, read_bytes, written_bytes = state.of[group]
        yield PROCESSES(len(found), group)
        yield THREADS(sum(one.threads for one in found), group)
        yield RESIDENT(sum(one.resident_bytes for one in found), group)
        yield CPU(user / processes.ticks, group, "user")
        yield CPU(system / processes.ticks, group, "system")
        yield FAULTS(faults, group)
        files = [one.open_files for one in found]
        known = [count for count in files if count is not None]
        yield OPEN_FILES(sum(known) if len(known) == len(files) else None, group)
        if all(one.read_bytes is not None for one in found):
            yield READ(read_bytes, group)
            yield WRITTEN(written_bytes, group)


async def inspect(source: HostSource) -> list[Finding]:
    """Name the groups whose open files or I/O the kernel keeps from us."""
    found = (await source.processes()).found
    hidden = {one.group for one in found if None in (one.open_files, one.read_bytes)}
    return [
        Finding(
            f"open files or I/O of other users' processes in group {group}",
            "AmbientCapabilities=CAP_SYS_PTRACE in the systemd unit, or run as root",
        )
        for group in sorted(hidden)
    ]


COLLECTOR = Collector(
    name="process_groups",
    source=SourceKind.HOST,
    metrics=(
        *(PROCESSES, THREADS, RESIDENT, OPEN_FILES),
        *(CPU, FAULTS, READ, WRITTEN),
    ),
    read=read,
    samples=samples,
    state=Totals,
    privilege="none; CAP_SYS_PTRACE for the I/O of other users' processes",
    inspect=inspect,
)
