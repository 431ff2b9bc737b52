"""A folder that looks like /proc, with processes that come and go."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Fake(NamedTuple):
    """What a process says of itself; times in ticks, sizes in pages and bytes."""

    comm: str
    cmdline: str = ""
    start: int = 1000
    user: int = 0
    system: int = 0
    faults: int = 0
    threads: int = 1
    resident: int = 0
    read: int | None = 0
    written: int = 0
    files: int | None = 0
    state: str = "S"
    cgroup: str = "/"
    most_files: str = "1024"


class ProcTree:
    """Writes processes as the kernel shows them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uptime(100.0)

    def uptime(self, seconds: float) -> None:
        """Set how long the machine is up."""
        (self.folder / "uptime").write_text(f"{seconds} {seconds}\n")

    def put(self, pid: int, process: Fake) -> None:
        """Write a process, or what it has become."""
        folder = self.folder / str(pid)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "comm").write_text(f"{process.comm}\n")
        (folder / "cmdline").write_text(process.cmdline.replace(" ", "\0"))
        fields: list[Any] = [process.state, 1, 1, 1, 0, -1, 0, 0, 0, process.faults, 0]
        fields += [process.user, process.system, 0, 0, 20, 0, process.threads, 0]
        fields += [process.start, 4096000, process.resident, 0, 0]
        (folder / "stat").write_text(
            f"{pid} ({process.comm}) {' '.join(map(str, fields))}\n"
        )
        (folder / "cgroup").write_text(f"0::{process.cgroup}\n")
        (folder / "limits").write_text(
            "Limit                     Soft Limit           Hard Limit  Units\n"
            f"Max open files            {process.most_files}   524288      files\n"
        )
        if process.read is not None:
            (folder / "io").write_text(
                f"rchar: 9\nread_bytes: {process.read}\n"
                f"write_bytes: {process.written}\ncancelled_write_bytes: 0\n"
            )
        if process.files is not None:
            (folder / "fd").mkdir()
            for number in range(process.files):
                (folder / "fd" / str(number)).touch()

    def end(self, pid: int) -> None:
        """Take a process away."""
        shutil.rmtree(self.folder / str(pid))
