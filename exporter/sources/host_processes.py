"""Finds the processes of configured groups in /proc, and reads only those each time."""

from __future__ import annotations

import contextlib
import os
import re
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.files import small, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.config_host import ProcessGroup

_VERSION = re.compile(r"-?\d[\d.]*[a-z]?")  # the end of python3.13t or postgres-17
_COMM = 15  # characters that the kernel keeps of a process's name
_LOOK_AGAIN = 5  # reads in which every process is seen anew, a minute and a quarter,
_MOST_AGAIN = 50  # unless there are more than 250
_LIMIT = b"Max open files"


class Process(NamedTuple):
    """A process of a group: identity, state, sizes, and counters since its start.

    `state` is the kernel's letter. `start` is in seconds after the boot, processor time
    in the ticks of `Processes`. Open files and I/O are None where the kernel keeps them
    from us, `most_open_files` where there is no limit either.
    """

    group: str
    pid: int
    state: str
    start: float
    user_ticks: int
    system_ticks: int
    major_faults: int
    threads: int
    resident_bytes: int
    open_files: int | None
    most_open_files: int | None
    read_bytes: int | None
    written_bytes: int | None


class Processes(NamedTuple):
    """The processes of all groups, and how long the machine was up when we looked.

    `uptime` is in seconds, `ticks` the number of ticks in one; `boot` is the Unix time
    in seconds of the machine's start.
    """

    groups: tuple[str, ...]
    uptime: float
    boot: int
    ticks: int
    found: list[Process]


class _Known(NamedTuple):
    """What a process was when we looked it up; `group` is None for a stranger."""

    group: str | None
    name: bytes
    most_open_files: int | None = None


class _Look:
    """What can be known about who a process is; each file is read when it is needed."""

    def __init__(self, folder: str, name: bytes) -> None:
        self._folder = folder
        self.name = _words(name)

    @cached_property
    def command(self) -> str:
        return _words(whole(f"{self._folder}/cmdline")).rstrip()

    @cached_property
    def program(self) -> str:
        return self.command.split(" ", 1)[0].rsplit("/", 1)[-1].removeprefix("-")

    @cached_property
    def cgroups(self) -> list[str]:
        lines = _words(small(f"{self._folder}/cgroup")).splitlines()
        return [line.split(":", 2)[-1] for line in lines]

    def is_of(self, group: ProcessGroup) -> bool:
        """Tell whether everything that the group asks for is so."""
        if group.program and not (
            matches(self.name, group.program) or matches(self.program, group.program)
        ):
            return False
        if group.cmdline and not re.search(group.cmdline, self.command):
            return False
        cgroup = group.cgroup
        return not cgroup or any(re.search(cgroup, path) for path in self.cgroups)


class ProcessTable:
    """Remembers who belongs to which group, so that strangers are hardly ever read.

    A process is looked up when it is new, once more at the next read (it may have been
    caught between fork and exec), and then now and then.
    """

    def __init__(self, proc: str, groups: Sequence[ProcessGroup]) -> None:
        """Take the folder that is /proc, and the groups."""
        self._proc = proc
        self._groups = tuple(groups)
        self._known: dict[int, _Known] = {}
        self._young: set[int] = set()
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._boot = _boot(Path(proc))
        self._folder_counts = _folder_counts(f"{proc}/self/fd")

    def read(self) -> Processes:
        """Return the processes of all groups; one that ends meanwhile is left out."""
        uptime = float(small(f"{self._proc}/uptime").split()[0])
        with os.scandir(self._proc) as entries:
            present = {int(one.name) for one in entries if one.name.isdigit()}
        known = self._known
        for pid in known.keys() - present:
            del known[pid]
        fresh = present - known.keys()
        for pid in fresh | (self._young & present) | set(self._seen_long_ago()):
            self._look_up(pid)
        self._young = fresh
        members = [(pid, it) for pid, it in known.items() if it.group is not None]
        found = (self._process(pid, it) for pid, it in members)
        names = tuple(group.name for group in self._groups)
        return Processes(
            names, uptime, self._boot, self._ticks, [one for one in found if one]
        )

    def _seen_long_ago(self) -> Iterator[int]:
        """Return those whose last look-up is the longest ago."""
        count = min(_MOST_AGAIN, -(-len(self._known) // _LOOK_AGAIN))
        return iter(list(islice(self._known, count)))

    def _look_up(self, pid: int) -> None:
        """Note a process's group; the dictionary keeps the order of the look-ups."""
        self._known.pop(pid, None)
        folder = f"{self._proc}/{pid}"
        with contextlib.suppress(OSError):
            name = small(f"{folder}/comm").rstrip(b"\n")
            look = _Look(folder, name)
            group = next((it.name for it in self._groups if look.is_of(it)), None)
            most = None if group is None else _most_open_files(folder)
            self._known[pid] = _Known(group, name, most)

    def _process(self, pid: int, known: _Known) -> Process | None:
        folder = f"{self._proc}/{pid}"
        try:
            stat = small(f"{folder}/stat")
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
            state=part[0].decode(),
            start=int(part[19]) / self._ticks,
            user_ticks=int(part[11]),
            system_ticks=int(part[12]),
            major_faults=int(part[9]),
            threads=int(part[17]),
            resident_bytes=int(part[21]) * self._page,
            open_files=self._open_files(f"{folder}/fd"),
            most_open_files=known.most_open_files,
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
            lines = small(f"{folder}/io").split(b"\n")
        except OSError:
            return None, None
        values = dict(line.split(b": ", 1) for line in lines if line)
        return int(values[b"read_bytes"]), int(values[b"write_bytes"])


def _boot(proc: Path) -> int:
    """Return when the machine was started; asked once, as corrections move it."""
    with contextlib.suppress(OSError):
        _, _, rest = (proc / "stat").read_bytes().partition(b"\nbtime ")
        return int(rest.split(b"\n", 1)[0] or 0)
    return 0


@lru_cache(5000)
def matches(name: str, group: str) -> bool:
    """Tell whether a program is of a group: `python3.11` is of `python`.

    The kernel cuts the names of processes to 15 characters, and so do we then.
    """
    if name == group or (len(name) == _COMM and name == group[:_COMM]):
        return True
    return name.startswith(group) and bool(_VERSION.fullmatch(name[len(group) :]))


def _words(data: bytes) -> str:
    return data.replace(b"\0", b" ").decode("utf-8", "replace")


def _most_open_files(folder: str) -> int | None:
    """Return the soft limit, which is where opening fails."""
    try:
        limits = small(f"{folder}/limits")
    except OSError:
        return None
    line = next((one for one in limits.split(b"\n") if one.startswith(_LIMIT)), b"")
    soft = line.removeprefix(_LIMIT).split()[:1]
    return int(soft[0]) if soft and soft[0].isdigit() else None


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
