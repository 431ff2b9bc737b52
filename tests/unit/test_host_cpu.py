"""The collector `cpu` on texts of /proc/stat."""

from __future__ import annotations

from exporter.collectors.host_cpu import Shown, parse, samples
from tests.unit.sampled import values

CPU = "node_cpu_seconds_total"
TEXT = """\
cpu  300 30 60 9000 100 0 5 1 20 2
cpu0 100 10 20 4000 50 0 2 1 20 2
cpu1 200 20 40 5000 50 0 3 0 0 0
intr 2247942 0 9 0 0 12
ctxt 4504674
btime 1795255791
processes 50202
procs_running 2
procs_blocked 1
softirq 1 2 3
"""


def idle(shown: Shown, ticks: int) -> float:
    stat = parse(f"cpu0 100 0 0 {ticks} 50 0 0 0 0 0\n")
    return values(samples(stat, shown))[CPU][("0", "idle")]


def test_each_processor_has_its_modes_in_seconds() -> None:
    found = values(samples(parse(TEXT), Shown()))
    assert found[CPU][("0", "user")] == 1
    assert found[CPU][("1", "nice")] == 0.2
    assert found[CPU][("0", "steal")] == 0.01
    assert len(found[CPU]) == 2 * 8
    assert found["node_cpu_guest_seconds_total"] == {
        ("0", "user"): 0.2,
        ("0", "nice"): 0.02,
        ("1", "user"): 0,
        ("1", "nice"): 0,
    }


def test_the_kernels_own_figures_are_shown() -> None:
    found = values(samples(parse(TEXT), Shown()))
    assert found["node_intr_total"] == {(): 2247942}
    assert found["node_context_switches_total"] == {(): 4504674}
    assert found["node_forks_total"] == {(): 50202}
    assert found["node_boot_time_seconds"] == {(): 1795255791}
    assert found["node_procs_running"] == {(): 2}
    assert found["node_procs_blocked"] == {(): 1}


def test_a_small_fall_of_idle_time_is_not_shown() -> None:
    shown = Shown()
    assert [idle(shown, ticks) for ticks in (4000, 3990, 3995, 4010)] == [
        40,
        40,
        40,
        40.1,
    ]


def test_a_processor_that_was_off_begins_anew() -> None:
    shown = Shown()
    assert [idle(shown, ticks) for ticks in (4000, 10, 20)] == [40, 0.1, 0.2]


def test_iowait_that_falls_alone_is_held() -> None:
    shown = Shown()
    texts = ("cpu0 1 0 0 4000 50 0 0 0 0 0", "cpu0 2 0 0 4100 20 0 0 0 0 0")
    found = [values(samples(parse(text), shown))[CPU] for text in texts]
    assert [one[("0", "iowait")] for one in found] == [0.5, 0.5]
    assert [one[("0", "user")] for one in found] == [0.01, 0.02]


def test_a_processor_that_is_off_is_absent() -> None:
    shown = Shown()
    list(samples(parse(TEXT), shown))
    found = values(samples(parse("cpu0 100 10 20 4000 50 0 2 1 20 2\n"), shown))
    assert {cpu for cpu, _ in found[CPU]} == {"0"}


def test_a_kernel_with_fewer_modes_has_zeros() -> None:
    found = values(samples(parse("cpu0 100 10 20 4000\n"), Shown()))
    assert found[CPU][("0", "idle")] == 40
    assert found[CPU][("0", "steal")] == 0
