"""Finds the processes of configured groups in /proc, and reads only those each time."""

from __future__ import annotations

import contextlib
import os
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_VERSION = re.compile(r"-?\d[\d.]*[a-z]?")  # the end of python3.13t or postgres-17
_COMM = 15  # characters that the kernel keeps of a process's name
_LOOK_AGAIN = 50  # strangers per read: a thousand are seen anew in five minutes
_MOST_NAMES = 5000
_BLOCK = 65536


class Process(NamedTuple):
    """A process of a group: identity, sizes, and counters since its start.

    `start` is in seconds after the boot, processor time in the ticks of `Processes`.
    Open files and I/O are None where the kernel keeps them from us.
    """

    group: str
    pid: int
    start: float
    user_ticks: int
    system_ticks: int
    major_faults: int
    threads: int
    resident_bytes: int
    open_files: int | None
    read_bytes: int | None
    written_bytes: int | None


class Processes(NamedTuple):
    """The processes of all groups, and how long the machine was up when we looked.

    `uptime` is in seconds, `ticks` the number of ticks in one.
    """

    groups: tuple[str, ...]
    uptime: float
    ticks: int
    found: list[Process]


class _Known(NamedTuple):
    """What a process was when we looked it up; `group` is None for a stranger."""

    group: str | None
    name: bytes


class ProcessTable:
    """Remembers who belongs to which group, so that strangers are hardly ever read.

    A process is looked up when it is new, once more at the next read (it may have been
    caught between fork and exec), and then now and then.
    """

    def __init__(self, proc: str, groups: Iterable[str]) -> None:
        """Take the folder that is /proc, and the names of the groups."""
        self._proc = proc
        self._groups = tuple(groups)
        self._known: dict[int, _Known] = {}
        self._young: set[int] = set()
        self._names: dict[str, str | None] = {}
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._folder_counts = _folder_counts(f"{proc}/self/fd")

    def read(self) -> Processes:
        """Return the processes of all groups; one that ends meanwhile is left out."""
        uptime = float(_read(f"{self._proc}/uptime").split()[0])
        with os.scandir(self._proc) as entries:
            present = {int(one.name) for one in entries if one.name.isdigit()}
        known = self._known
        for pid in known.keys() - present:
            del known[pid]
        fresh = present - known.keys()
        for pid in fresh | (self._young & present) | set(self._strangers()):
            self._look_up(pid)
        self._young = fresh
        members = [(pid, it) for pid, it in known.items() if it.group is not None]
        found = (self._process(pid, it) for pid, it in members)
        return Processes(
            self._groups, uptime, self._ticks, [one for one in found if one]
        )

    def _strangers(self) -> Iterator[int]:
        """Return those strangers whose last look-up is the longest ago."""
        strangers = (pid for pid, it in self._known.items() if it.group is None)
        return iter(list(islice(strangers, _LOOK_AGAIN)))

    def _look_up(self, pid: int) -> None:
        """Note a process's group; the dictionary keeps the order of the look-ups."""
        self._known.pop(pid, None)
        with contextlib.suppress(OSError):
            name = _read(f"{self._proc}/{pid}/comm").rstrip(b"\n")
            self._known[pid] = _Known(self._group_of(pid, name), name)

    def _group_of(self, pid: int, name: bytes) -> str | None:
        group = self._matching(name.decode("utf-8", "replace"))
        if group is None:
            program = _read(f"{self._proc}/{pid}/cmdline").split(b"\0", 1)[0]
            base = program.rsplit(b"/", 1)[-1].removeprefix(b"-")
            group = self._matching(base.decode("utf-8", "replace"))
        return group

    def _matching(self, name: str) -> str | None:
        if name not in self._names:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[name] = next(
                (group for group in self._groups if matches(name, group)), None
            )
        return self._names[name]

    def _process(self, pid: int, known: _Known) -> Process | None:
        folder = f"{self._proc}/{pid}"
        try:
            stat = _read(f"{folder}/stat")
        except OSError:
            return None
        opening, closing = stat.index(b"("), stat.rindex(b")")
        if stat[opening + 1 : closing] != known.name:
            self._look_up(pid)
            known = self._known.get(pid, _Known(None, b""))
        if known.group is None:
            return None
        part = stat[closing + 2 :].split()
        read_bytes, written_bytes = self._input_output(folder)
        return Process(
            group=known.group,
            pid=pid,
            start=int(part[19]) / self._ticks,
            user_ticks=int(part[11]),
            system_ticks=int(part[12]),
            major_faults=int(part[9]),
            threads=int(part[17]),
            resident_bytes=int(part[21]) * self._page,
            open_files=self._open_files(f"{folder}/fd"),
            read_bytes=read_bytes,
            written_bytes=written_bytes,
        )

    def _open_files(self, folder: str) -> int | None:
        try:
            if self._folder_counts:
                return os.stat(folder).st_size  # noqa: PTH116 - once per process
            return _entries(folder)
        except OSError:
            return None

    def _input_output(self, folder: str) -> tuple[int | None, int | None]:
        try:
            lines = _read(f"{folder}/io").split(b"\n")
        except OSError:
            return None, None
        values = dict(line.split(b": ", 1) for line in lines if line)
        return int(values[b"read_bytes"]), int(values[b"write_bytes"])


def matches(name: str, group: str) -> bool:
    """Tell whether a program is of a group: `python3.11` is of `python`.

    The kernel cuts the names of processes to 15 characters, and so do we then.
    """
    if name == group or (len(name) == _COMM and name == group[:_COMM]):
        return True
    return name.startswith(group) and bool(_VERSION.fullmatch(name[len(group) :]))


def _folder_counts(folder: str) -> bool:
    """Tell whether the size of a folder of open files is their number (Linux 6.2).

    That is quick, and the kernel keeps it from nobody.
    """
    try:
        return 0 < Path(folder).stat().st_size <= _entries(folder)
    except OSError:
        return False


def _entries(folder: str) -> int:
    with os.scandir(folder) as entries:
        return sum(1 for _ in entries)


def _read(path: str) -> bytes:
    """Read a small file whole; three times as quick as Python's own file objects."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, _BLOCK)
    finally:
        os.close(file)
