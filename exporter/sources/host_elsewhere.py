"""The machine as psutil knows it, where there is no /proc: macOS and the BSDs.

What it can give is written as Linux writes it, so that a collector reads one form.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any

import psutil

from exporter.sources.host_clock import clock
from exporter.sources.host_processes import Process, Processes, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.config_host import ProcessGroup

_TICKS = 100  # per second, as the collectors take them
_SECTOR = 512
_KIB = 1024
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_LETTERS = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_IDLE: "I",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_STOPPED: "T",
}
_ASKED = (
    *("name", "cmdline", "create_time", "cpu_times", "memory_info"),
    *("num_threads", "num_fds", "status"),
)


def text(path: str) -> str:
    """Return what stands in for a file; FileNotFoundError where nothing does."""
    if path not in _FILES:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return _FILES[path]()


def processes(groups: Sequence[ProcessGroup]) -> Processes:
    """Return the processes of all groups; none is found by its cgroup.

    Files and I/O are None where the system keeps them from us.
    """
    boot = int(psutil.boot_time())
    found = []
    for one in psutil.process_iter(_ASKED):
        known: dict[str, Any] = one.info
        group = next((it.name for it in groups if _is_of(known, it)), None)
        if group is not None and known["cpu_times"] and known["memory_info"]:
            found.append(_process(group, one, boot))
    names = tuple(group.name for group in groups)
    return Processes(names, clock().unix - boot, boot, _TICKS, found)


def _process(group: str, one: psutil.Process, boot: int) -> Process:
    known: dict[str, Any] = one.info
    return Process(
        group=group,
        pid=one.pid,
        state=_LETTERS.get(known["status"], "?"),
        start=max(0.0, known["create_time"] - boot),
        user_ticks=int(known["cpu_times"].user * _TICKS),
        system_ticks=int(known["cpu_times"].system * _TICKS),
        major_faults=getattr(known["memory_info"], "pageins", 0),
        threads=known["num_threads"] or 0,
        resident_bytes=known["memory_info"].rss,
        open_files=known["num_fds"],
        most_open_files=None,
        read_bytes=None,
        written_bytes=None,
    )


def _is_of(known: dict[str, Any], group: ProcessGroup) -> bool:
    words: list[str] = known["cmdline"] or []
    program = words[0].rsplit("/", 1)[-1] if words else ""
    if group.program and not (
        matches(known["name"] or "", group.program) or matches(program, group.program)
    ):
        return False
    if group.cmdline and not re.search(group.cmdline, " ".join(words)):
        return False
    return not group.cgroup


def _stat() -> str:
    total = _modes(psutil.cpu_times())
    lines = [f"cpu {total}"]
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        lines.append(f"cpu{number} {_modes(times)}")
    kernel = psutil.cpu_stats()
    lines += [f"intr {kernel.interrupts}", f"ctxt {kernel.ctx_switches}"]
    return "\n".join([*lines, f"btime {int(psutil.boot_time())}", ""])


def _modes(times: Any) -> str:
    values = (getattr(times, mode, 0.0) for mode in _MODES)
    return " ".join(str(int(value * _TICKS)) for value in values)


def _meminfo() -> str:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    fields = {
        "MemTotal": memory.total,
        "MemFree": memory.free,
        "MemAvailable": memory.available,
        "Active": getattr(memory, "active", None),
        "Inactive": getattr(memory, "inactive", None),
        "SwapTotal": swap.total,
        "SwapFree": swap.free,
    }
    return "".join(
        f"{name}: {size // _KIB} kB\n"
        for name, size in fields.items()
        if size is not None
    )


def _diskstats() -> str:
    """Write the columns up to the time of writes: the others psutil has not."""
    lines = []
    for name, disk in (psutil.disk_io_counters(perdisk=True) or {}).items():
        reads = (disk.read_count, 0, disk.read_bytes // _SECTOR, disk.read_time)
        writes = (disk.write_count, 0, disk.write_bytes // _SECTOR, disk.write_time)
        lines.append(" ".join(map(str, (0, 0, name, *reads, *writes))))
    return "\n".join(lines)


def _net_dev() -> str:
    lines = ["Inter-|", " face |"]
    for name, it in psutil.net_io_counters(pernic=True).items():
        received = (it.bytes_recv, it.packets_recv, it.errin, it.dropin)
        sent = (it.bytes_sent, it.packets_sent, it.errout, it.dropout)
        figures = (*received, 0, 0, 0, 0, *sent)
        lines.append(f"{name}: {' '.join(map(str, figures))}")
    return "\n".join(lines)


def _mountinfo() -> str:
    lines = []
    for number, part in enumerate(psutil.disk_partitions(all=False)):
        point, device = (_escaped(name) for name in (part.mountpoint, part.device))
        place = f"{number} 0 0:0 / {point} {part.opts}"
        lines.append(f"{place} - {part.fstype} {device} {part.opts}")
    return "\n".join(lines)


def _escaped(name: str) -> str:
    return name.replace("\\", "\\134").replace(" ", "\\040")


_FILES: dict[str, Callable[[], str]] = {
    "proc/stat": _stat,
    "proc/meminfo": _meminfo,
    "proc/diskstats": _diskstats,
    "net/dev": _net_dev,
    "proc/1/mountinfo": _mountinfo,
}
