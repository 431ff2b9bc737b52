"""The collector `process_groups`: sums that keep what ended processes took."""

from __future__ import annotations

from exporter.collectors.host_process_groups import Totals, samples
from exporter.sources.host_processes import Process, Processes
from tests.unit.sampled import values

CPU = "node_process_group_cpu_seconds_total"
USER = ("python", "user")


def process(pid: int, start: float, user: int = 0, **more: int | None) -> Process:
    known = {
        "group": "python",
        "state": "S",
        "most_open_files": None,
        "system_ticks": 0,
        "major_faults": 0,
        "threads": 2,
        "resident_bytes": 1000,
        "open_files": 3,
        "read_bytes": 0,
        "written_bytes": 0,
    }
    return Process(pid=pid, start=start, user_ticks=user, **known | more)  # type: ignore[arg-type]  # a test's own defaults


def user_seconds(polls: list[tuple[float, list[Process]]]) -> list[float]:
    """Return what each poll shows, given the uptime and the processes of each."""
    state = Totals()
    return [
        values(samples(Processes(("python",), uptime, 0, 100, found), state))[CPU][USER]
        for uptime, found in polls
    ]


def test_counters_begin_at_zero_with_us_and_follow_the_processes() -> None:
    polls = [
        (100.0, [process(7, 10.0, user=5000)]),
        (115.0, [process(7, 10.0, user=5250)]),
    ]
    assert user_seconds(polls) == [0, 2.5]


def test_an_ended_process_leaves_what_it_took() -> None:
    polls = [
        (100.0, [process(7, 10.0, user=100), process(8, 10.0, user=100)]),
        (115.0, [process(7, 10.0, user=200), process(8, 10.0, user=400)]),
        (130.0, [process(7, 10.0, user=250)]),
        (145.0, []),
    ]
    assert user_seconds(polls) == [0, 4, 4.5, 4.5]


def test_a_process_begun_since_the_last_poll_counts_from_its_start() -> None:
    polls = [(100.0, []), (115.0, [process(7, 110.0, user=300)])]
    assert user_seconds(polls) == [0, 3]


def test_a_process_found_late_counts_from_now_on() -> None:
    polls = [
        (100.0, []),
        (115.0, [process(7, 10.0, user=90_000)]),
        (130.0, [process(7, 10.0, user=90_100)]),
    ]
    assert user_seconds(polls) == [0, 0, 1]


def test_a_process_id_used_again_is_another_process() -> None:
    polls = [
        (100.0, [process(7, 10.0, user=100)]),
        (115.0, [process(7, 110.0, user=300)]),
        (130.0, [process(7, 110.0, user=400)]),
    ]
    assert user_seconds(polls) == [0, 3, 4]


def test_sizes_are_summed_over_the_processes_that_are_there() -> None:
    found = [process(7, 1.0), process(8, 1.0, threads=5)]
    shown = values(
        samples(Processes(("python", "java"), 100.0, 1000, 100, found), Totals())
    )
    states = shown["node_process_group_processes"]
    assert {labels: count for labels, count in states.items() if count} == {
        ("python", "sleeping"): 2
    }
    assert {group for group, _ in states} == {"python", "java"}
    assert shown["node_process_group_threads"] == {("python",): 7, ("java",): 0}
    assert shown["node_process_group_open_fds"] == {("python",): 6, ("java",): 0}
    assert shown["node_process_group_resident_memory_bytes"] == {
        ("python",): 2000,
        ("java",): 0,
    }


def test_what_one_process_hides_its_group_does_not_show() -> None:
    found = [
        process(7, 1.0),
        process(8, 1.0, open_files=None, read_bytes=None, written_bytes=None),
    ]
    shown = values(samples(Processes(("python",), 100.0, 1000, 100, found), Totals()))
    assert "node_process_group_open_fds" not in shown
    assert "node_process_group_read_bytes_total" not in shown
    assert shown["node_process_group_processes"][("python", "sleeping")] == 2


def test_what_a_process_begins_to_hide_is_not_taken_anew() -> None:
    state = Totals()
    counts = []
    for user, written in ((900, 5000), (950, None), (960, None), (970, 6000)):
        found = [process(7, 10.0, user=user, read_bytes=written, written_bytes=written)]
        rows = Processes(("python",), 100.0, 0, 100, found)
        shown = values(samples(rows, state))
        bytes_ = shown.get("node_process_group_written_bytes_total", {})
        counts.append((shown[CPU][USER], bytes_.get(("python",))))
    assert counts == [(0, 0), (0.5, None), (0.6, None), (0.7, 0)]


def test_reads_and_writes_of_disks_are_counted() -> None:
    state = Totals()
    for read, written in ((100, 10), (400, 30)):
        one = process(7, 1.0, read_bytes=read, written_bytes=written, major_faults=read)
        shown = values(samples(Processes(("python",), 100.0, 1000, 100, [one]), state))
    assert shown["node_process_group_read_bytes_total"] == {("python",): 300}
    assert shown["node_process_group_written_bytes_total"] == {("python",): 20}
    assert shown["node_process_group_major_page_faults_total"] == {("python",): 300}


def test_each_state_is_shown_also_when_no_process_is_in_it() -> None:
    found = [process(7, 1.0), process(8, 1.0)._replace(state="D")]
    odd = process(9, 1.0)._replace(state="P")
    rows = Processes(("python",), 100.0, 1000, 100, [*found, odd])
    shown = values(samples(rows, Totals()))
    assert shown["node_process_group_processes"] == {
        ("python", "running"): 0,
        ("python", "sleeping"): 1,
        ("python", "waiting_for_disk"): 1,
        ("python", "zombie"): 0,
        ("python", "stopped"): 0,
        ("python", "other"): 1,
    }


def test_the_process_next_to_its_limit_of_open_files_is_shown() -> None:
    found = [
        process(7, 1.0, open_files=90, most_open_files=100),
        process(8, 1.0, open_files=500, most_open_files=1000),
        process(9, 1.0, open_files=500),
        process(10, 1.0, open_files=None, most_open_files=10),
    ]
    shown = values(samples(Processes(("python",), 100.0, 0, 100, found), Totals()))
    assert shown["node_process_group_open_fds_ratio"] == {("python",): 0.9}


def test_starts_are_counted_from_the_second_poll_on() -> None:
    state = Totals()
    counts, oldest = [], []
    for uptime, found in (
        (100.0, [process(7, 10.0)]),
        (115.0, [process(7, 10.0), process(8, 101.0), process(9, 102.0)]),
        (130.0, [process(10, 120.0)]),
        (145.0, []),
    ):
        rows = Processes(("python",), uptime, 1000, 100, found)
        shown = values(samples(rows, state))
        counts.append(shown["node_process_group_starts_total"][("python",)])
        name = "node_process_group_oldest_start_time_seconds"
        oldest.append(shown.get(name, {}).get(("python",)))
    assert counts == [0, 2, 3, 3]
    assert oldest == [1010, 1010, 1120, None]


def test_a_machine_that_slept_between_two_polls_counts_as_before() -> None:
    polls = [
        (100.0, [process(7, 10.0, user=100)]),
        (9000.0, [process(7, 10.0, user=150), process(8, 8990.0, user=30)]),
    ]
    assert user_seconds(polls) == [0, 0.8]


def test_a_group_has_restarted_when_nobody_of_before_is_left() -> None:
    state = Totals()
    counts = []
    for uptime, found in (
        (100.0, [process(7, 10.0), process(8, 20.0)]),
        (115.0, [process(8, 20.0), process(9, 110.0)]),  # the oldest has ended alone
        (130.0, [process(10, 120.0), process(11, 121.0)]),
        (145.0, []),
        (160.0, [process(12, 150.0)]),
        (175.0, [process(12, 150.0)]),
    ):
        rows = Processes(("python",), uptime, 1000, 100, found)
        shown = values(samples(rows, state))
        counts.append(shown["node_process_group_restarts_total"][("python",)])
    assert counts == [0, 0, 1, 1, 2, 2]


def test_an_uptime_of_a_container_alone_makes_nothing_new() -> None:
    """LXCFS shows /proc/uptime so; starts are seconds after the machine's boot."""
    state = Totals()
    counts = []
    for uptime, found in (
        (100.0, [process(7, 9000.0, user=100)]),
        (115.0, [process(7, 9000.0, user=100), process(8, 10.0, user=500)]),
        (130.0, [process(7, 9000.0, user=100)]),
        (145.0, [process(9, 9130.0, user=200)]),
        (160.0, [process(9, 9130.0, user=200)]),
    ):
        shown = values(samples(Processes(("python",), uptime, 0, 100, found), state))
        starts, restarts = (
            shown[f"node_process_group_{name}_total"][("python",)]
            for name in ("starts", "restarts")
        )
        counts.append((starts, restarts, shown[CPU][USER]))
    assert counts == [(0, 0, 0), (0, 0, 0), (0, 0, 0), (1, 1, 2), (1, 1, 2)]
