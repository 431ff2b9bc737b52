"""A host whose files are missing, odd or never answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.host_capacity import Used
from exporter.collectors.host_process_groups import Totals
from exporter.errors import Reason, SourceError
from exporter.sources.host_mounts import STUCK, Mounts
from tests.integration.host_fixtures import COLLECTORS, at, poll, reading
from tests.unit.host_tree import Fake

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


HIDDEN = "27 1 0:5 / /proc rw,nosuid shared:14 - proc proc rw,hidepid={}\n"


@pytest.mark.parametrize("option", ["1", "2", "invisible", "ptraceable"])
async def test_check_says_that_processes_are_hidden(
    proc_tree: ProcTree, option: str
) -> None:
    (proc_tree.folder / "self").mkdir()
    (proc_tree.folder / "self" / "mountinfo").write_text(HIDDEN.format(option))
    inspect = COLLECTORS["process_groups"].inspect
    assert inspect is not None
    async with reading() as source:
        (found,) = await at(source, proc_tree).run(inspect, 5)
    assert found.missing.startswith("other users' processes, where /proc is mounted")
    assert "CAP_SYS_PTRACE" in found.fix


async def test_a_process_that_only_shows_its_number_is_no_member(
    proc_tree: ProcTree,
) -> None:
    """With hidepid=1 the folder is listed and nothing in it may be read."""
    proc_tree.put(7, Fake("python"))
    (proc_tree.folder / "8").mkdir()
    async with reading() as source:
        shown = await poll(at(source, proc_tree), "process_groups", Totals())
    assert sum(shown["node_process_group_processes"].values()) == 1


async def test_a_machine_without_cgroups_is_its_own_limit(proc_tree: ProcTree) -> None:
    (proc_tree.folder / "stat").write_text("cpu 100 0 100 5 5 0 0 0 0 0\ncpu0 1\n")
    (proc_tree.folder / "meminfo").write_text(
        "MemTotal: 1000 kB\nMemAvailable: 400 kB\n"
    )
    async with reading() as source:
        shown = await poll(at(source, proc_tree), "capacity", Used())
    assert shown["node_capacity_memory_used_bytes"] == {(): 600 * 1024}
    assert shown["node_capacity_cpu_seconds_total"] == {(): 2.0}
    assert {labels[1] for labels in shown["node_capacity_info"]} == {"machine"}


async def test_a_counter_that_wrapped_is_shown_as_it_is_now(
    proc_tree: ProcTree,
) -> None:
    """The kernel counts milliseconds of disks in 32 bits; `rate` sees a reset."""
    seen = []
    async with reading() as source:
        for milliseconds in (2**32 - 10, 15):
            (proc_tree.folder / "diskstats").write_text(
                f"254 0 vda 1 2 3 {milliseconds} 5 6 7 8 9 10 11\n"
            )
            shown = await poll(at(source, proc_tree), "disk", None)
            seen.append(shown["node_disk_read_time_seconds_total"]["vda",])
    assert seen == [4294967.286, 0.015]


async def test_what_processes_took_does_not_fall_when_a_counter_of_theirs_does(
    proc_tree: ProcTree,
) -> None:
    state, seen = Totals(), []
    async with reading() as source:
        at(source, proc_tree)
        for read in (1000, 2000, 300, 400):
            proc_tree.put(7, Fake("python", read=read))
            shown = await poll(source, "process_groups", state)
            seen.append(shown["node_process_group_read_bytes_total"]["python",])
    assert seen == [0, 1000, 1300, 1400]


async def test_a_system_without_proc_gives_its_load_and_its_clock(
    proc_tree: ProcTree,
) -> None:
    async with reading() as source:
        load = await poll(at(source, proc_tree), "load", None)
        clock = await poll(source, "clock", None)
    assert load.keys() >= {"node_load1", "node_load5", "node_load15", "node_uname_info"}
    assert clock["node_time_seconds"][()] > 1.7e9


async def test_a_mount_whose_name_is_no_utf_8_is_asked_all_the_same(
    proc_tree: ProcTree,
) -> None:
    name = b"caf\xe9"
    os.mkdir(os.path.join(os.fsencode(proc_tree.folder.parent), name))  # noqa: PTH102, PTH118 - bytes
    (proc_tree.folder / "1").mkdir()
    mounts = b"27 1 254:1 / /" + name + b" rw - ext4 /dev/vdb rw\n"
    (proc_tree.folder / "1" / "mountinfo").write_bytes(mounts)
    async with reading() as source:
        shown = await poll(at(source, proc_tree), "filesystem", None)
    labels = ("/dev/vdb", "/caf\ufffd", "ext4", "")
    assert shown["node_filesystem_device_error"] == {labels: 0}
    assert shown["node_filesystem_size_bytes"][labels] > 0


async def test_a_sensor_of_no_device_has_the_name_of_its_chip(
    proc_tree: ProcTree,
) -> None:
    chip = proc_tree.folder.parent / "sys/class/hwmon/hwmon3"
    chip.mkdir(parents=True)
    (chip / "name").write_text("dell_smm\n")
    (chip / "temp1_input").write_text("45000\n")
    async with reading() as source:
        shown = await poll(at(source, proc_tree), "temperature", None)
    assert shown["node_hwmon_temp_celsius"] == {("dell_smm", "temp1"): 45.0}


async def test_a_kernel_that_tells_no_available_memory_shows_the_rest(
    proc_tree: ProcTree,
) -> None:
    (proc_tree.folder / "meminfo").write_text("MemTotal: 2048 kB\nMemFree: 8 kB\n")
    (proc_tree.folder / "stat").write_text("cpu  100 0 100 0 0 0 0 0 0 0\ncpu0 1\n")
    async with reading() as source:
        shown = await poll(at(source, proc_tree), "capacity", Used())
    assert shown["node_capacity_memory_bytes"] == {(): 2048 * 1024}
    assert shown["node_capacity_cpu_seconds_total"] == {(): 2.0}
    assert "node_capacity_memory_used_bytes" not in shown
