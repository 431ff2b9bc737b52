"""A host without /proc: what psutil gives there is what Linux says here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from exporter.errors import Reason, SourceError
from tests.integration.host_fixtures import COLLECTORS, poll, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sources.host import HostSource

WAIT = "import sys; kept = bytes(20_000_000); print(1, flush=True); sys.stdin.read()"


def elsewhere(source: HostSource) -> HostSource:
    """Let a source think that it is on another system, with no /proc at all."""
    source.elsewhere = True
    source.proc = source.sys = "/nowhere"
    return source


async def both(name: str, *, groups: list[str] | None = None) -> list[dict[str, Any]]:
    """Run a collector as on another system, and as on this one."""
    settings: dict[str, Any] = {"process_groups": groups} if groups else {}
    async with reading(**settings) as one, reading(**settings) as two:
        return [
            await poll(source, name, COLLECTORS[name].state())
            for source in (elsewhere(one), two)
        ]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        ["kpi-waits", "-c", WAIT],
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as found:
        assert found.stdout is not None
        found.stdout.readline()
        yield found
        found.kill()


async def test_no_collector_fails_on_another_system() -> None:
    async with reading() as source:
        elsewhere(source)
        shown = {
            name: await poll(source, name, collector.state())
            for name, collector in COLLECTORS.items()
        }
    for name in ("capacity", "clock", "cpu", "load", "memory", "process_groups"):
        assert shown[name] != {}
    for name in ("kernel_limits", "pressure", "process_memory", "sockets", "systemd"):
        assert shown[name] == {}


async def test_processors_and_memory_are_those_of_this_machine() -> None:
    (there, here), (size, real) = await both("cpu"), await both("memory")
    assert there["node_boot_time_seconds"] == pytest.approx(
        here["node_boot_time_seconds"], abs=2
    )
    cpu = "node_cpu_seconds_total"
    assert {labels[0] for labels in there[cpu]} == {labels[0] for labels in here[cpu]}
    idle = [found[cpu]["0", "idle"] for found in (there, here)]
    assert idle[0] == pytest.approx(idle[1], abs=2)
    total = "node_memory_MemTotal_bytes"
    assert size[total] == real[total]


async def test_the_promises_on_cpu_and_memory_are_judged_there_too() -> None:
    there, here = await both("capacity")
    assert there["node_capacity_cpus"] == {(): os.cpu_count()}
    assert there["node_capacity_memory_bytes"][()] > 0
    assert there["node_capacity_memory_used_bytes"][()] > 0
    assert there["node_capacity_cpu_seconds_total"][()] > 0
    assert {labels[1] for labels in there["node_capacity_info"]} == {"machine"}
    assert there.keys() <= here.keys()


async def test_file_systems_disks_and_devices_are_those_of_this_machine() -> None:
    (there, here), (lines, real) = await both("filesystem"), await both("network")
    size = "node_filesystem_size_bytes"
    points = {labels[1]: value for labels, value in here[size].items()}
    for labels, value in there.get(size, {}).items():
        assert points[labels[1]] == value
    received = "node_network_receive_bytes_total"
    assert lines[received].keys() == real[received].keys()
    disks, known = await both("disk")
    read = "node_disk_read_bytes_total"
    assert disks.get(read, {}).keys() >= known.get(read, {}).keys()
    assert "node_disk_io_time_seconds_total" not in disks


async def test_a_group_of_processes_is_found_there_too(
    child: subprocess.Popen[str],
) -> None:
    there, here = await both("process_groups", groups=["kpi-waits"])
    group = ("kpi-waits",)
    assert child.pid > 0
    for name in ("threads", "open_fds"):
        found = f"node_process_group_{name}"
        assert there[found] == here[found]
    resident = "node_process_group_resident_memory_bytes"
    assert there[resident][group] == pytest.approx(here[resident][group], rel=0.1)
    assert sum(there["node_process_group_processes"].values()) == 1
    started = "node_process_group_oldest_start_time_seconds"
    assert there[started][group] == pytest.approx(here[started][group], abs=2)


async def test_check_says_what_another_system_does_not_tell() -> None:
    inspect = COLLECTORS["load"].inspect
    assert inspect is not None
    async with reading() as source:
        assert await source.run(inspect, 5) == []
        (found,) = await elsewhere(source).run(inspect, 5)
    assert "gives what psutil can: not pressure, cgroups" in found.missing


async def test_a_file_that_nothing_stands_in_for_is_missing() -> None:
    async with reading() as source:
        with pytest.raises(SourceError) as caught:
            await elsewhere(source).run(lambda s: s.text("proc/interrupts"), 5)
    assert caught.value.reason is Reason.UNSUPPORTED
