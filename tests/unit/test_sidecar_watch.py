"""Who is lost and who was told, by a clock that the test turns."""

from __future__ import annotations

import pytest

from exporter.sidecar.watch import Awaited, Firsts, Status, Switch, patience


def test_what_is_awaited_is_lost_after_its_interval_and_not_before() -> None:
    way = Awaited(10, since=100)
    assert (way.lost(110), way.lost(110.1)) == (False, True)
    way.came(115)
    assert (way.lost(125), way.lost(125.1), way.silent(120)) == (False, True, 5)


@pytest.mark.parametrize(
    ("interval", "resend", "waited"),
    [(300, 60, 300), (120, 60, 120), (119, 60, 210), (1, 60, 210), (8, 1, 8)],
)
def test_nothing_is_awaited_more_often_than_it_is_sent(
    interval: float, resend: float, waited: float
) -> None:
    assert patience(interval, resend) == waited


def told(switch: Switch, lost: list[bool], *, worked: bool = True) -> list[str]:
    """Let a switch see a state each second, and return what it had told."""
    found = []
    for now, each in enumerate(lost):
        status = switch.due(now, lost=each)
        if status:
            found.append(f"{now} {status}")
            switch.called(status, now, worked=worked)
    return found


def test_a_loss_is_told_once_and_so_is_its_end() -> None:
    lost = [False, True, True, True, False, False, True, False]
    assert told(Switch(), lost) == ["1 lost", "4 well", "6 lost", "7 well"]


def test_a_call_that_fails_is_made_again_ever_later() -> None:
    switch = Switch()
    assert told(switch, [True] * 40, worked=False) == [
        "0 lost",
        "5 lost",
        "15 lost",
        "35 lost",
    ]
    for _ in range(20):
        switch.called(Status.LOST, 1000, worked=False)
    assert switch.again == 1300


def test_nobody_is_told_of_the_end_of_what_nobody_knew() -> None:
    switch = Switch()
    told(switch, [True, True], worked=False)
    assert told(switch, [False, False, True]) == ["2 lost"]


@pytest.mark.parametrize(
    ("starts", "delay"), [(99.0, None), (100.0, 7.0), (108.0, 0.0)]
)
def test_the_first_arrival_of_a_new_alert_is_timed(
    starts: float, delay: float | None
) -> None:
    firsts = Firsts(began=100)
    assert firsts.delay("a", starts, now=107) == delay
    assert firsts.delay("a", starts, now=109) is None


def test_an_alert_that_fires_another_time_is_new_and_memory_is_bounded() -> None:
    firsts = Firsts(began=0)
    found = [firsts.delay("a", float(n), now=float(n)) for n in range(30_000)]
    assert (set(found), len(firsts._seen)) == ({0.0}, 20_000)
