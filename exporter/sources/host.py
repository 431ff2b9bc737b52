"""The machine we run on: files of /proc and /sys, file systems, processes."""

from __future__ import annotations

import os
from glob import glob
from typing import TYPE_CHECKING, Self

from exporter.config import HostTarget
from exporter.errors import Reason, SourceError
from exporter.sources.base import Source
from exporter.sources.files import whole
from exporter.sources.host_clock import Clock, clock
from exporter.sources.host_mounts import Mounts
from exporter.sources.host_processes import ProcessTable
from exporter.sources.host_shares import Share, shares
from exporter.sources.host_systemd import Unit, units
from exporter.sources.host_worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from exporter.sources.base import ResultT
    from exporter.sources.host_processes import Processes

_MOST_HUNG = 3
_PATIENCE = 0.25  # of the deadline, for one file system


class HostSource(Source[HostTarget]):
    """Reads in a thread, because even /proc can hang behind a stuck process.

    `proc`, `sys` and `root` are where the machine's files are seen. There is no server,
    hence no connection; `queries` counts files and file systems.

    A file is named from the root, such as `proc/stat`. `net/…` is /proc/1/net where
    that may be read, because /proc/net is that of our own network namespace. On other
    systems than Linux (`elsewhere`), psutil's figures stand in for some files.
    """

    def __init__(self, config: HostTarget) -> None:
        """Keep the settings; nothing is read yet."""
        super().__init__(config)
        self.root = config.rootfs
        self.proc, self.sys = config.proc_folder, config.sys_folder
        self.elsewhere = os.uname().sysname != "Linux"
        self.mounts = Mounts()
        self._worker = Worker("kpi-exporter host")
        self._processes: ProcessTable | None = None

    @property
    def page(self) -> int:
        """Bytes of a page of memory."""
        return os.sysconf("SC_PAGE_SIZE")

    @property
    def connections(self) -> int:
        """Always 0: there is no server."""
        return 0

    async def text(self, path: str) -> str:
        """Return a file's text, such as that of `proc/stat`.

        Names in it lead to their files whatever bytes they are of (surrogateescape).
        """
        self.queries += 1
        return await self._worker.do(lambda: self._text(path))

    async def texts(self, paths: Iterable[str], *needed: str) -> dict[str, str]:
        """Return the texts of those files that are there and may be read.

        One that is `needed` raises OSError when it is not.
        """
        wanted = list(paths)
        self.queries += len(wanted) + len(needed)
        return await self._worker.do(lambda: self._texts(wanted, needed))

    async def matching(self, *patterns: str) -> dict[str, str]:
        """Return the texts of all readable files that fit, such as `sys/block/*/dev`.

        The names are those that the files have below their folder.
        """
        found = await self._worker.do(lambda: self._matching(patterns))
        self.queries += len(found)
        return found

    async def links(self, paths: Iterable[str]) -> dict[str, str]:
        """Return what each path that is there leads to when all links are followed."""
        places = {path: self._place(path) for path in paths}
        self.queries += len(places)
        return await self._worker.do(
            lambda: {
                path: os.path.realpath(place)
                for path, place in places.items()
                if os.path.exists(place)  # noqa: PTH110 - place is text
            }
        )

    async def units(self) -> list[Unit] | None:
        """Return systemd's units, or None where there is no systemd."""
        self.queries += 1
        return await self._worker.do(lambda: units(self.root))

    async def clock(self) -> Clock:
        """Return Unix time, and what the kernel says of its clock."""
        self.queries += 1
        return clock()

    async def usage(
        self, mountpoints: Iterable[str]
    ) -> dict[str, os.statvfs_result | str]:
        """Return statvfs of each mountpoint, or its error; a hung one hangs nobody."""
        root = self.root.rstrip("/")
        places = {point: f"{root}{point}" for point in mountpoints}
        self.queries += len(places)
        patience = self.config.deadline * _PATIENCE
        answers = await self.mounts.ask(places.values(), patience)
        return {point: answers[place] for point, place in places.items()}

    async def processes(self) -> Processes:
        """Return the processes of the configured groups."""
        found = await self._worker.do(self._process_table)
        self.queries += 1 + len(found.found)
        return found

    async def shares(self, seconds: float) -> list[Share]:
        """Return what those processes take of memory; reads so long at the most."""
        found = (await self.processes()).found
        if self.elsewhere:
            return [Share(one.group, None, None) for one in found]
        self.queries += len(found)
        return await self._worker.do(lambda: shares(self.proc, found, seconds))

    def loads(self) -> tuple[float, float, float]:
        """Return the load averages as systems without /proc tell them."""
        return os.getloadavg()

    def uname(self) -> os.uname_result:
        """Return the kernel's name and version and the machine's name (uname)."""
        return os.uname()

    def discard(self) -> None:
        """Leave a hung read behind; the next one gets a new thread."""
        self._worker.abandon()
        self._processes = None

    async def close(self) -> None:
        """Let the threads end."""
        self.discard()
        self.mounts.close()

    async def _connect(self) -> None:
        if self._worker.hung >= _MOST_HUNG:
            raise SourceError(
                Reason.TIMEOUT, f"{_MOST_HUNG} earlier reads of {self.proc} still hang"
            )

    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        return await read(self)

    def _classify(self, error: Exception) -> SourceError:
        if isinstance(error, FileNotFoundError):
            why = f"{error.filename} is missing"
            fix = "show us the machine's /proc and /sys: rootfs, procfs, sysfs"
            return SourceError(Reason.UNSUPPORTED, why, answered=True, fix=fix)
        if isinstance(error, PermissionError):
            why = f"{error.filename} may not be read"
            fix = f"let the user of kpi-exporter read {error.filename}"
            return SourceError(Reason.PERMISSION, why, answered=True, fix=fix)
        if isinstance(error, OSError):
            why = f"{error.filename or self.proc}: {error.strerror}"
            return SourceError(Reason.QUERY, why, answered=True)
        if isinstance(error, (ValueError, IndexError)):
            why = f"a file of {self.proc} is not as Linux writes it"
            return SourceError(Reason.PROTOCOL, why, answered=True)
        why = f"{type(error).__name__} while reading {self.proc}"
        return SourceError(Reason.INTERNAL, why, answered=True)

    def _place(self, path: str) -> str:
        top, _, rest = path.partition("/")
        if top == "net":
            return f"{self._net()}/{rest}"
        places = {"proc": self.proc, "sys": self.sys}
        return f"{places[top]}/{rest}" if top in places else f"{self.root}/{path}"

    def _text(self, path: str) -> str:
        if not self.elsewhere:
            return _text(self._place(path))
        from exporter.sources import host_elsewhere

        return host_elsewhere.text(path)

    def _texts(self, paths: Iterable[str], needed: Iterable[str]) -> dict[str, str]:
        found = {path: self._text(path) for path in needed}
        for path in paths:
            try:
                found[path] = self._text(path)
            except OSError:
                continue
        return found

    def _process_table(self) -> Processes:
        groups = self.config.process_groups
        if self.elsewhere:
            from exporter.sources import host_elsewhere

            return host_elsewhere.processes(groups)
        if self._processes is None:
            self._processes = ProcessTable(self.proc, groups)
        return self._processes.read()

    def _net(self) -> str:
        """Return the folder of the machine's network, as far as we may see it."""
        first = f"{self.proc}/1/net"
        return first if os.access(f"{first}/dev", os.R_OK) else f"{self.proc}/net"

    def _matching(self, patterns: Iterable[str]) -> dict[str, str]:
        texts = {}
        for pattern in patterns:
            top, _, rest = pattern.partition("/")
            folder = self._place(f"{top}/")
            found = glob(rest, root_dir=folder)  # noqa: PTH207 - names below a folder
            texts.update(_texts({f"{top}/{name}": folder + name for name in found}))
        return texts


SOURCE = HostSource


def _text(path: str) -> str:
    return whole(path).decode("utf-8", "surrogateescape")


def _texts(places: dict[str, str]) -> dict[str, str]:
    found = {}
    for path, place in places.items():
        try:
            found[path] = _text(place)
        except OSError:
            continue
    return found
