"""What processes cost, by the kernel's account: CPU time and memory."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, its children, and those that ended.

    Resolution is the kernel's tick of 10 ms: measure over many rounds.
    """
    total = 0.0
    for process in (root := psutil.Process(pid), *root.children(recursive=True)):
        try:
            text = Path(f"/proc/{process.pid}/stat").read_text("utf-8")
        except FileNotFoundError:
            continue  # it ended just now; its parent's account has it next time
        user, system, *reaped = map(int, text.rpartition(")")[2].split()[11:15])
        total += user + system + sum(reaped)
    return total * _TICK


def resident_mib(pid: int) -> float:
    """Return the resident memory of one process."""
    return _status_mib(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    """Return the highest resident memory since `reset_peak`."""
    return _status_mib(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Let the highest resident memory begin anew at the present one."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", "utf-8")


def _status_mib(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) / 1024
    raise LookupError(name)
