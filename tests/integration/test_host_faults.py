"""A host whose files are missing, odd or never answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.errors import Reason, SourceError
from exporter.sources.host_mounts import STUCK, Mounts
from tests.integration.host_fixtures import COLLECTORS, at, poll, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.host_tree import ProcTree


async def test_without_proc_the_collectors_are_unsupported(proc_tree: ProcTree) -> None:
    async with reading() as source:
        with pytest.raises(SourceError) as caught:
            await poll(at(source, proc_tree), "cpu", COLLECTORS["cpu"].state())
    assert (caught.value.reason, caught.value.answered) == (Reason.UNSUPPORTED, True)
    assert str(caught.value).startswith(f"{proc_tree.folder}/stat is missing")


async def test_a_file_of_another_kind_is_a_matter_of_protocol(
    proc_tree: ProcTree,
) -> None:
    (proc_tree.folder / "meminfo").write_text("no colon, no number\n")
    async with reading() as source:
        with pytest.raises(SourceError) as caught:
            await poll(at(source, proc_tree), "memory", None)
    assert (caught.value.reason, caught.value.answered) == (Reason.PROTOCOL, True)


async def test_a_file_that_is_kept_from_us_is_a_matter_of_permission() -> None:
    async with reading() as source:
        found = source._classify(PermissionError(13, "denied", "/proc/stat"))
    assert (found.reason, found.answered) == (Reason.PERMISSION, True)
    assert found.fix == "let the user of kpi-exporter read /proc/stat"


@contextlib.contextmanager
def hanging_file(path: Path) -> Iterator[None]:
    """Make a file whose opening hangs: a pipe that nobody writes to, until the end."""
    os.mkfifo(path)
    try:
        yield
    finally:
        file = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # lets every reader go on
        path.unlink()
        threading.Timer(0.1, os.close, (file,)).start()


async def test_a_file_that_hangs_costs_the_deadline_and_others_are_read(
    proc_tree: ProcTree,
) -> None:
    (proc_tree.folder / "meminfo").write_text("MemTotal: 5 kB\n")
    async with asyncio.timeout(10), reading() as source:
        at(source, proc_tree)
        with hanging_file(proc_tree.folder / "stat"):
            with pytest.raises(SourceError) as caught:
                await source.run(COLLECTORS["cpu"].read, 0.2)
            shown = await poll(source, "memory", None)
    assert caught.value.reason is Reason.TIMEOUT
    assert shown["node_memory_MemTotal_bytes"] == {(): 5120}


async def test_reads_that_hang_are_few_and_the_host_comes_back(
    proc_tree: ProcTree,
) -> None:
    (proc_tree.folder / "meminfo").write_text("MemTotal: 5 kB\n")
    async with asyncio.timeout(20), reading() as source:
        at(source, proc_tree)
        with hanging_file(proc_tree.folder / "stat"):
            for _ in range(3):
                with pytest.raises(SourceError):
                    await source.run(COLLECTORS["cpu"].read, 0.1)
            with pytest.raises(SourceError) as caught:
                await source.connect(1)
        assert caught.value.reason is Reason.TIMEOUT
        assert str(caught.value).startswith("3 earlier reads")
        while True:
            with contextlib.suppress(SourceError):
                await source.connect(1)
                break
            await asyncio.sleep(0.02)
        assert await poll(source, "memory", None) != {}


async def test_a_mount_that_hangs_shows_itself_and_keeps_nobody(
    proc_tree: ProcTree,
) -> None:
    gate, answer = threading.Event(), os.statvfs("/")

    def statvfs(path: str) -> os.statvfs_result:
        if path.endswith("/dead"):
            gate.wait(20)
        return answer

    (proc_tree.folder / "1").mkdir()
    (proc_tree.folder / "1" / "mountinfo").write_text(
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
        "28 27 0:50 / /dead rw - nfs4 server:/dead rw\n"
        "29 27 254:1 / /b rw - ext4 /dev/vdb ro\n"
    )
    async with asyncio.timeout(5), reading(timeout="400ms") as source:
        at(source, proc_tree).mounts = Mounts(statvfs)
        found = await poll(source, "filesystem", None)
        again = await poll(source, "filesystem", None)
        gate.set()
    errors = {
        labels[1]: (labels[3], value)
        for labels, value in found["node_filesystem_device_error"].items()
    }
    assert errors == {"/": ("", 0), "/dead": (STUCK, 1), "/b": ("", 0)}
    assert again == found
    assert len(found["node_filesystem_size_bytes"]) == 2
