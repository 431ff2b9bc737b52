"""What the processes of each configured group take, such as `python` or `postgres`.

node_process_group_cpu_seconds_total{group="python",mode="user"} 12.5
node_process_group_resident_memory_bytes{group="python"} 1.2e+08
node_process_group_processes{group="python",state="sleeping"} 4
node_process_group_starts_total{group="python"} 2
node_process_group_restarts_total{group="python"} 0
node_process_group_open_fds{group="python"} 61
node_process_group_open_fds_ratio{group="python"} 0.06

A process is of a group by its program (the kernel's name of it, or its file's name, is
the group's with or without a version), its command line or its cgroup. Counters begin
at 0 with us and keep what ended processes took; what begins and ends between two polls
is not seen. Where the kernel keeps a process's open files or I/O from us, its group has
none.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Finding, SourceKind
from exporter.metrics import counter, gauge
from exporter.state import difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource
    from exporter.sources.host_processes import Process, Processes

_STATES = {  # by the kernel's letter; whatever else there is counts as other
    "R": "running",
    "S": "sleeping",
    "I": "sleeping",
    "D": "waiting_for_disk",
    "Z": "zombie",
    "T": "stopped",
    "t": "stopped",
}
_MOUNTS = "proc/self/mountinfo"
_FIX = "AmbientCapabilities=CAP_SYS_PTRACE in the systemd unit, or run as root"
_EVERY_STATE = tuple(dict.fromkeys([*_STATES.values(), "other"]))

PROCESSES = gauge(
    "node_process_group_processes",
    "/proc/PID/stat: number of processes by what they do.",
    *("group", "state"),
)
STARTS = counter(
    "node_process_group_starts_total",
    "/proc/PID/stat: number of processes begun since the poll before.",
    "group",
)
RESTARTS = counter(
    "node_process_group_restarts_total",
    "/proc/PID/stat: how often all processes of a group had ended and others began.",
    "group",
)
OLDEST = gauge(
    "node_process_group_oldest_start_time_seconds",
    "/proc/PID/stat, /proc/stat: Unix time in seconds at which the oldest began.",
    "group",
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
OPEN_FILES_RATIO = gauge(
    "node_process_group_open_fds_ratio",
    "/proc/PID/fd, /proc/PID/limits: share of its soft limit that the process next to "
    "it has open.",
    "group",
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
_COUNTERS = 6


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
        self._last: dict[_Identity, tuple[float | None, ...]] = {}
        self.restarts: Counter[str] = Counter()
        self._until: float | None = None
        self._seen: dict[str, float] = {}

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
            change = (*_risen(now, before), before is None)
            total = self.of[process.group]
            self.of[process.group] = tuple(map(sum, zip(total, change, strict=True)))
        self._until = _until(processes)
        self._count_restarts(processes, self._until)

    def _count_restarts(self, processes: Processes, until: float) -> None:
        """Count the groups of which nobody is left that was there when last seen."""
        oldest: dict[str, float] = {}
        for process in processes.found:
            group = process.group
            oldest[group] = min(process.start, oldest.get(group, process.start))
        for group, start in oldest.items():
            self.restarts[group] += start >= self._seen.get(group, math.inf)
            self._seen[group] = until

    def _is_new(self, process: Process) -> bool:
        return self._until is not None and process.start >= self._until


def _until(processes: Processes) -> float:
    """Return from when on in seconds after the boot a process begins after this poll.

    LXCFS makes /proc/uptime that of a container, while its processes' starts are told
    from the machine's boot.
    """
    newest = max((one.start for one in processes.found), default=0.0)
    return max(processes.uptime, newest + 1 / processes.ticks)


def _counters(process: Process) -> tuple[float | None, ...]:
    return (
        *(process.user_ticks, process.system_ticks, process.major_faults),
        *(process.read_bytes, process.written_bytes),
    )


def _risen(
    now: tuple[float | None, ...], before: tuple[float | None, ...] | None
) -> Iterator[float]:
    """Yield what each counter of a process rose by; nothing where it is not known."""
    for new, old in zip(now, before or (0,) * len(now), strict=True):
        if new is None or old is None:
            yield 0
        else:
            yield difference((new,), (old,))[0]


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
        user, system, faults, read_bytes, written_bytes, starts = state.of[group]
        yield from _sizes(group, found)
        if found:
            yield OLDEST(processes.boot + min(one.start for one in found), group)
        yield STARTS(starts, group)
        yield RESTARTS(state.restarts[group], group)
        yield CPU(user / processes.ticks, group, "user")
        yield CPU(system / processes.ticks, group, "system")
        yield FAULTS(faults, group)
        if all(one.read_bytes is not None for one in found):
            yield READ(read_bytes, group)
            yield WRITTEN(written_bytes, group)


def _sizes(group: str, found: Sequence[Process]) -> Iterator[Sample]:
    """Sum what the processes of a group are and have now."""
    states = Counter(_STATES.get(one.state, "other") for one in found)
    for state in _EVERY_STATE:
        yield PROCESSES(states[state], group, state)
    yield THREADS(sum(one.threads for one in found), group)
    yield RESIDENT(sum(one.resident_bytes for one in found), group)
    files = [one.open_files for one in found]
    known = [count for count in files if count is not None]
    yield OPEN_FILES(sum(known) if len(known) == len(files) else None, group)
    ratios = (
        one.open_files / one.most_open_files
        for one in found
        if one.open_files is not None and one.most_open_files
    )
    yield OPEN_FILES_RATIO(max(ratios, default=None), group)


async def inspect(source: HostSource) -> list[Finding]:
    """Name what of the groups the kernel keeps from us."""
    mounts = (await source.texts([_MOUNTS])).get(_MOUNTS, "")
    secretive = any(
        re.search(r" - proc .*\bhidepid=([124]|noaccess|invisible|ptraceable)\b", line)
        for line in mounts.splitlines()
    )
    found = (await source.processes()).found
    hidden = {one.group for one in found if None in (one.open_files, one.read_bytes)}
    findings = [
        Finding(f"open files or I/O of other users' processes in group {group}", _FIX)
        for group in sorted(hidden)
    ]
    if secretive:
        what = "other users' processes, where /proc is mounted with hidepid"
        findings.append(Finding(f"{what}: their groups look too small", _FIX))
    return findings


COLLECTOR = Collector(
    name="process_groups",
    source=SourceKind.HOST,
    metrics=(
        *(PROCESSES, STARTS, RESTARTS, OLDEST, THREADS, RESIDENT),
        *(OPEN_FILES, OPEN_FILES_RATIO),
        *(CPU, FAULTS, READ, WRITTEN),
    ),
    read=read,
    samples=samples,
    state=Totals,
    privilege="none; CAP_SYS_PTRACE for the I/O of other users' processes",
    inspect=inspect,
)
