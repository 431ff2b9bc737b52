"""Which limit holds: that of the machine, of a container, or of something above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors._host_cgroup import Cpu, Memory, cgroups, count, files
from exporter.collectors.host_capacity import Capacity, Used, samples
from tests.unit.sampled import values

if TYPE_CHECKING:
    from collections.abc import Mapping

GIB = 2**30
MACHINE = (Cpu(8, 5000.0, is_quota=False), Memory(16 * GIB, 4 * GIB, None))
PRESSURE = "some avg10=0 avg60=0 avg300=0 total={}\nfull avg10=0 total=1000000\n"
SECOND = {
    "memory.max": f"{2 * GIB}\n",
    "memory.current": f"{GIB}\n",
    "memory.stat": "anon 5\ninactive_file 1000\n",
    "memory.events": "low 0\nhigh 7\nmax 9\noom 4\noom_kill 3\n",
    "memory.pressure": PRESSURE.format(2_000_000),
    "io.pressure": PRESSURE.format(3_000_000),
    "cpu.pressure": PRESSURE.format(4_000_000),
    "cpu.max": "150000 100000\n",
    "cpu.stat": "usage_usec 7000000\nuser_usec 1\nnr_periods 40\nnr_throttled 12\n"
    "throttled_usec 2500000\n",
    "cpuset.cpus.effective": "0-3,6\n",
}


def shown(membership: str, texts: Mapping[str, str]) -> dict[str, Any]:
    rows = Capacity(*MACHINE, cgroups(membership, texts))
    return values(samples(rows, Used()))


def holders(found: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {labels[0]: labels[1:] for labels in found["node_capacity_info"]}


def test_without_cgroups_the_machine_is_what_holds() -> None:
    found = shown("", {})
    assert found["node_capacity_cpus"] == {(): 8}
    assert found["node_capacity_cpu_seconds_total"] == {(): 5000.0}
    assert found["node_capacity_memory_bytes"] == {(): 16 * GIB}
    assert found["node_capacity_memory_used_bytes"] == {(): 4 * GIB}
    assert holders(found) == {
        "cpu": ("machine", "", ""),
        "memory": ("machine", "", ""),
    }
    assert not any(name.startswith("node_cgroup_") for name in found)


def test_in_a_container_its_limits_hold() -> None:
    texts = {f"sys/fs/cgroup/{name}": text for name, text in SECOND.items()}
    found = shown("0::/\n", texts)
    assert found["node_capacity_cpus"] == {(): 1.5}
    assert found["node_capacity_cpu_seconds_total"] == {(): 7.0}
    assert found["node_capacity_memory_bytes"] == {(): 2 * GIB}
    assert found["node_capacity_memory_used_bytes"] == {(): GIB - 1000}
    assert holders(found) == {
        "cpu": ("cgroup", "/", "2"),
        "memory": ("cgroup", "/", "2"),
    }
    own = {name: v[()] for name, v in found.items() if name.startswith("node_cgroup_")}
    assert own == {
        "node_cgroup_cpu_periods_total": 40,
        "node_cgroup_cpu_throttled_periods_total": 12,
        "node_cgroup_cpu_throttled_seconds_total": 2.5,
        "node_cgroup_oom_kills_total": 3,
        "node_cgroup_pressure_cpu_waiting_seconds_total": 4.0,
        "node_cgroup_pressure_cpu_stalled_seconds_total": 1.0,
        "node_cgroup_pressure_memory_waiting_seconds_total": 2.0,
        "node_cgroup_pressure_memory_stalled_seconds_total": 1.0,
        "node_cgroup_pressure_io_waiting_seconds_total": 3.0,
        "node_cgroup_pressure_io_stalled_seconds_total": 1.0,
    }


def test_the_least_of_all_limits_above_a_process_holds() -> None:
    folder = "sys/fs/cgroup/pod"
    texts = {
        f"{folder}/memory.max": f"{GIB}\n",
        f"{folder}/memory.current": "5000\n",
        f"{folder}/box/memory.max": f"{2 * GIB}\n",
        f"{folder}/box/memory.current": "3000\n",
        f"{folder}/box/cpu.max": "max 100000\n",
        f"{folder}/box/cpu.stat": "usage_usec 1000000\n",
        f"{folder}/box/cpuset.cpus.effective": "2-3\n",
    }
    found = shown("0::/pod/box\n", texts)
    assert holders(found) == {
        "cpu": ("cpuset", "/pod/box", "2"),
        "memory": ("cgroup", "/pod", "2"),
    }
    assert found["node_capacity_cpus"] == {(): 2}
    assert found["node_capacity_memory_used_bytes"] == {(): 5000}
    assert "node_cgroup_cpu_periods_total" not in found


def test_a_machine_whose_cgroups_limit_nothing_is_what_holds() -> None:
    folder = "sys/fs/cgroup/init.scope"
    texts = {
        f"{folder}/memory.max": "max\n",
        f"{folder}/cpu.max": "max 100000\n",
        f"{folder}/cpu.stat": "usage_usec 1000000\n",
        "sys/fs/cgroup/cpuset.cpus.effective": "0-7\n",
        "sys/fs/cgroup/cpu.stat": "usage_usec 9000000\n",
    }
    found = shown("0::/init.scope\n", texts)
    assert {limit for limit, *_ in holders(found).values()} == {"machine"}


def test_cgroups_of_the_first_version_limit_too() -> None:
    top = "sys/fs/cgroup"
    texts = {
        f"{top}/memory/memory.limit_in_bytes": f"{GIB}\n",
        f"{top}/memory/memory.usage_in_bytes": "900000\n",
        f"{top}/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 100000\n",
        f"{top}/memory/memory.oom_control": "oom_kill_disable 0\noom_kill 2\n",
        f"{top}/cpu/cpu.cfs_quota_us": "50000\n",
        f"{top}/cpu/cpu.cfs_period_us": "100000\n",
        f"{top}/cpu/cpu.stat": "nr_periods 9\nnr_throttled 4\n"
        "throttled_time 500000000\n",
        f"{top}/cpuacct/cpuacct.usage": "3000000000\n",
    }
    found = shown("4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n0::/\n", texts)
    assert holders(found) == {
        "cpu": ("cgroup", "/", "1"),
        "memory": ("cgroup", "/", "1"),
    }
    assert {name: family[()] for name, family in found.items() if () in family} == {
        "node_capacity_cpus": 0.5,
        "node_capacity_cpu_seconds_total": 3.0,
        "node_capacity_memory_bytes": GIB,
        "node_capacity_memory_used_bytes": 800000,
        "node_cgroup_oom_kills_total": 2,
        "node_cgroup_cpu_periods_total": 9,
        "node_cgroup_cpu_throttled_periods_total": 4,
        "node_cgroup_cpu_throttled_seconds_total": 0.5,
    }


def test_cgroups_of_the_first_version_without_limits_do_not_hold() -> None:
    texts = {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    }
    found = shown("4:memory:/\n3:cpu:/\n", texts)
    assert {limit for limit, *_ in holders(found).values()} == {"machine"}


def test_processor_time_goes_on_when_another_limit_takes_over() -> None:
    used = Used()
    rises = [("", 100.0), ("", 110.0), ("/pod", 5.0), ("/pod", 8.0), ("/pod", 2.0)]
    assert [used.rise(*one) for one in rises] == [100.0, 110.0, 110.0, 113.0, 113.0]


@pytest.mark.parametrize(
    ("text", "expected"), [("0\n", 1), ("0-3", 4), ("0-1,4,6-7\n", 5)]
)
def test_processors_of_a_list_are_counted(text: str, expected: int) -> None:
    assert count(text) == expected


def test_files_of_a_cgroup_and_of_all_above_it_are_read() -> None:
    wanted = files("3:cpu,cpuacct:/a\n1:name=systemd:/a\n0::/a\n")
    assert {path for path in wanted if path.endswith(("cpu.max", "quota_us"))} == {
        "sys/fs/cgroup/cpu.max",
        "sys/fs/cgroup/a/cpu.max",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us",
        "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us",
    }
