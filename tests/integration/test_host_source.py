"""The host collectors on the machine that runs the tests, and on files that hang."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from exporter.collectors import host_filesystem
from tests.integration.host_fixtures import COLLECTORS, at, poll, reading
from tests.source import ROOT
from tests.unit.host_tree import Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.host_tree import ProcTree

OF_SOME_MACHINES = {
    *("node_bonding_active", "node_bonding_slaves", "node_md_disks"),
    *("node_md_disks_required", "node_nf_conntrack_entries"),
    *("node_nf_conntrack_entries_limit", "node_systemd_service_restart_total"),
    "node_systemd_unit_state",
}
BUSY = """
import sys, time
while time.process_time() < 0.3:
    pass
print("done", flush=True)
sys.stdin.read()
"""


async def test_this_machine_shows_what_the_peers_rules_need() -> None:
    found: dict[str, Any] = {}
    async with reading() as source:
        for name, collector in COLLECTORS.items():
            shown = await poll(source, name, collector.state())
            assert shown.keys() <= {metric.name for metric in collector.metrics}
            found |= shown
        assert source.connections == 0
        assert source.queries > len(COLLECTORS)
    needs = (ROOT / "tests/data/peer-needs.tsv").read_text().splitlines()
    needed = {n.split("\t")[0] for n in needs if n.startswith("node_")}
    assert needed - found.keys() <= OF_SOME_MACHINES
    ((labels, _),) = found["node_uname_info"].items()
    kernel = os.uname()
    assert labels[:2] == (kernel.sysname, kernel.release)


async def test_figures_of_this_machine_are_plausible() -> None:
    async with reading() as source:
        cpu = await poll(source, "cpu", COLLECTORS["cpu"].state())
        memory = await poll(source, "memory", None)
        disks = await poll(source, "filesystem", None)
    assert len({name for name, _ in cpu["node_cpu_seconds_total"]}) == os.cpu_count()
    total = memory["node_memory_MemTotal_bytes"][()]
    assert 0 < memory["node_memory_MemAvailable_bytes"][()] < total
    for labels, size in disks["node_filesystem_size_bytes"].items():
        assert 0 <= disks["node_filesystem_avail_bytes"][labels] <= size


@contextlib.contextmanager
def busy_child() -> Iterator[subprocess.Popen[str]]:
    """Run a program named kpi-busy that takes 0.3 s of processor time, then waits."""
    child = subprocess.Popen(
        ["kpi-busy", "-c", BUSY],
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        yield child
        child.kill()


async def test_a_child_is_counted_by_its_group_while_it_runs_and_after() -> None:
    group, state = "kpi-busy", COLLECTORS["process_groups"].state()
    async with reading(process_groups=[group]) as source:
        before = await poll(source, "process_groups", state)
        with busy_child() as child:
            assert child.stdout is not None
            await asyncio.to_thread(child.stdout.readline)
            during = await poll(source, "process_groups", state)
        after = await poll(source, "process_groups", state)
    counts = [count(p) for p in (before, during)]
    assert counts == [0, 1]
    assert during["node_process_group_open_fds"][(group,)] >= 3
    assert during["node_process_group_resident_memory_bytes"][(group,)] > 1_000_000
    assert during["node_process_group_threads"][(group,)] == 1
    seconds = [
        sum(p["node_process_group_cpu_seconds_total"].values())
        for p in (before, during, after)
    ]
    assert seconds[0] == 0
    assert seconds[1] >= 0.25
    assert seconds[2] >= seconds[1]
    assert count(after) == 0


def count(shown: dict[str, Any]) -> float:
    return float(sum(shown["node_process_group_processes"].values()))


@contextlib.contextmanager
def coming_and_going() -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell that begins and ends 200 processes."""
    script = "for i in $(seq 200); do /bin/true; done"
    with subprocess.Popen(["sh", "-c", script]) as shell:
        yield shell


async def test_processes_that_come_and_go_while_read_do_no_harm() -> None:
    async with reading(process_groups=["true", "sh"]) as source:
        with coming_and_going() as shell:
            reads = 0
            while shell.poll() is None or reads < 5:
                await source.run(COLLECTORS["process_groups"].read, 5)
                reads += 1


async def test_open_files_are_counted_as_the_kernel_lists_them() -> None:
    async with reading(process_groups=["kpi-busy"]) as source:
        with busy_child() as child:
            assert child.stdout is not None
            await asyncio.to_thread(child.stdout.readline)
            (found,) = (await source.run(lambda s: s.processes(), 5)).found
            listed = len(os.listdir(f"/proc/{child.pid}/fd"))  # noqa: PTH208 - plain
    assert (found.pid, found.open_files) == (child.pid, listed)


async def test_our_own_mounts_are_read_where_the_first_process_is_hidden(
    proc_tree: ProcTree,
) -> None:
    (proc_tree.folder / "self").mkdir()
    (proc_tree.folder / "self" / "mountinfo").write_text(
        "26 1 254:0 / / rw - ext4 /dev/vda rw\n"
        f"27 1 254:1 / {proc_tree.folder.parent} rw - ext4 /dev/vdb rw\n"
    )
    async with reading() as source:
        rows = await at(source, proc_tree).run(host_filesystem.read, 5)
    shown = [(row.mount.mountpoint, row.mount.device) for row in rows]
    assert shown == [("/", "/dev/vdb")]


async def test_check_names_a_group_whose_files_are_kept_from_us(
    proc_tree: ProcTree,
) -> None:
    proc_tree.put(7, Fake("python", read=None))
    proc_tree.put(8, Fake("java"))
    inspect = COLLECTORS["process_groups"].inspect
    assert inspect is not None
    async with reading(process_groups=["python", "java"]) as source:
        found = await at(source, proc_tree).run(inspect, 5)
    assert [finding.missing for finding in found] == [
        "open files or I/O of other users' processes in group python"
    ]


def threads_of_ours() -> int:
    return sum(one.name.startswith("kpi-exporter") for one in threading.enumerate())


async def until_threads_are(count: int) -> None:
    """Wait until so many threads of ours are left, those of earlier tests included."""
    async with asyncio.timeout(5):
        while threads_of_ours() != count:  # noqa: ASYNC110 - threads end
            await asyncio.sleep(0.01)


async def test_closing_leaves_no_thread() -> None:
    await until_threads_are(0)
    async with reading() as source:
        await poll(source, "filesystem", None)
        assert threads_of_ours() == 2
    await until_threads_are(0)
