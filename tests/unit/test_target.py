"""A target's rounds: what is due, what failed, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collector import Cost
from exporter.errors import Reason, SourceError
from exporter.snapshot import Snapshot
from exporter.target import Backoff, Clock, TargetPoller
from tests.unit.scripted import Scripted, Subject, Time, target

if TYPE_CHECKING:
    from exporter.collector import AnyCollector

REFUSED = SourceError(Reason.CONNECT, "connection refused")
DENIED = SourceError(Reason.PERMISSION, "denied", answered=True, fix="GRANT x")


class World:
    """One target over a scripted source, with time that stands still."""

    def __init__(self, *collectors: AnyCollector, **settings: object) -> None:
        self.time = Time()
        self.snapshot = Snapshot()
        self.source = Scripted(target(**settings))
        clock = Clock(self.time.monotonic, self.time.wall)
        self.poller = TargetPoller(self.source, collectors, self.snapshot, clock)

    async def round(self, after: float = 15.0) -> str:
        self.time.now += after
        await self.poller.round()
        return self.page()

    def page(self) -> str:
        return self.snapshot.page("orders").plain.decode()


def test_everything_about_ourselves_is_there_before_the_first_poll() -> None:
    page = World(Subject("a", 1.0).collector()).page()

    assert 'pg_up{target="orders"} 0' in page
    assert 'kpi_exporter_target_info{target="orders",source="postgres"} 1' in page
    assert 'kpi_exporter_collector_success{target="orders",collector="a"} 0' in page
    assert 'kpi_exporter_collector_polls_total{target="orders",collector="a"} 0' in page
    for reason in Reason:
        labels = f'target="orders",collector="a",reason="{reason}"'
        assert f"kpi_exporter_collector_failures_total{{{labels}}} 0" in page


async def test_a_good_round_says_up_and_success_and_when() -> None:
    page = await World(Subject("a", 5.0).collector()).round()

    assert 'pg_up{target="orders"} 1' in page
    assert 'pg_value{target="orders",collector="a"} 5.0' in page
    assert 'collector_success{target="orders",collector="a"} 1' in page
    assert (
        "kpi_exporter_collector_last_success_timestamp_seconds"
        '{target="orders",collector="a"} 1700001015.0'
    ) in page


async def test_a_failing_collector_hides_no_other_and_keeps_the_target_up() -> None:
    world = World(Subject("a", DENIED).collector(), Subject("b", 2.0).collector())

    page = await world.round()

    assert 'pg_up{target="orders"} 1' in page
    assert 'collector_success{target="orders",collector="a"} 0' in page
    assert 'pg_value{target="orders",collector="b"} 2.0' in page
    assert 'collector="a",reason="permission"} 1' in page
    assert world.source.connects == 1


async def test_a_failed_collectors_old_values_are_not_served() -> None:
    world = World(Subject("a", 5.0, DENIED).collector())

    assert "pg_value{" in await world.round()
    assert "pg_value{" not in await world.round()


async def test_good_and_failed_polls_are_counted_alike() -> None:
    world = World(Subject("a", 5.0, DENIED).collector())

    await world.round()
    await world.round()
    world.source.discard()
    world.source.unreachable = REFUSED
    page = await world.round()

    assert 'kpi_exporter_collector_polls_total{target="orders",collector="a"} 3' in page


async def test_a_bug_in_a_collector_is_an_internal_failure_of_it_alone() -> None:
    world = World(
        Subject("a", ZeroDivisionError("oops")).collector(),
        Subject("b", 2.0).collector(),
    )

    page = await world.round()

    assert 'collector="a",reason="internal"} 1' in page
    assert 'pg_value{target="orders",collector="b"} 2.0' in page


async def test_a_dead_target_says_nothing_but_up_0_and_its_reason() -> None:
    long = Subject("long", 3.0)
    world = World(
        Subject("a", 1.0).collector(), long.collector(interval=300.0, cost=Cost.COSTLY)
    )
    assert 'pg_value{target="orders",collector="long"} 3.0' in await world.round()

    world.source.discard()
    world.source.unreachable = REFUSED
    page = await world.round()

    assert 'pg_up{target="orders"} 0' in page
    assert "pg_value{" not in page
    assert 'collector_success{target="orders",collector="long"} 0' in page
    assert 'collector="a",reason="connect"} 1' in page


async def test_a_target_that_is_back_is_read_whole_at_once() -> None:
    long = Subject("long", 3.0)
    world = World(Subject("a", 1.0).collector(), long.collector(interval=300.0))
    await world.round()
    world.source.discard()
    world.source.unreachable = REFUSED
    await world.round()

    world.source.unreachable = None
    page = await world.round()

    assert 'pg_up{target="orders"} 1' in page
    assert 'pg_value{target="orders",collector="long"} 3.0' in page
    assert long.runs == 2


async def test_a_connection_that_died_unseen_costs_no_data() -> None:
    """The server was restarted between two rounds."""
    world = World(Subject("a", SourceError(Reason.CONNECT, "lost"), 4.0).collector())

    page = await world.round()

    assert 'pg_value{target="orders",collector="a"} 4.0' in page
    assert world.source.connects == 2


async def test_a_frozen_server_ends_the_round_by_its_deadlines() -> None:
    world = World(
        Subject("a", 1.0).collector(), Subject("b", 1.0).collector(), timeout="100ms"
    )
    await world.round()

    world.source.frozen = True
    page = await world.round()

    assert 'pg_up{target="orders"} 0' in page
    assert 'collector="a",reason="timeout"} 1' in page
    assert 'collector="b",reason="timeout"} 1' in page
    assert world.source.connections == 0


async def test_a_costly_collector_runs_at_its_own_interval() -> None:
    costly = Subject("costly", 1.0)
    world = World(
        Subject("a", 1.0).collector(),
        costly.collector(interval=60.0, cost=Cost.COSTLY),
    )

    for _ in range(9):
        await world.round()

    assert costly.runs == 3


async def test_over_budget_costly_intervals_stretch_at_most_fourfold() -> None:
    costly = Subject("costly", 1.0)
    world = World(
        Subject("a", 1.0).collector(),
        costly.collector(interval=60.0, cost=Cost.COSTLY),
    )
    for _ in range(60):
        world.source.seconds += 7.5
        page = await world.round()
    runs = costly.runs

    for _ in range(64):
        world.source.seconds += 7.5
        await world.round()

    assert "stretch_ratio{" in page
    assert world.poller.stretch == 4.0
    assert costly.runs - runs == 4


async def test_within_budget_nothing_stretches() -> None:
    world = World(Subject("a", 1.0).collector())
    for _ in range(20):
        world.source.seconds += 0.2
        await world.round()

    assert world.poller.stretch == 1.0


async def test_what_a_turn_does_not_reach_is_skipped_and_counted() -> None:
    class Slow(Subject):
        async def read(self, source: Scripted) -> float:
            world.time.now += 20.0
            return await super().read(source)

    late = Subject("b", 1.0)
    world = World(Slow("a", 1.0).collector(), late.collector())

    page = await world.round()

    assert late.runs == 0
    assert 'collector_skipped_total{target="orders",collector="b"} 1' in page
    assert 'collector_skipped_total{target="orders",collector="a"} 0' in page


async def test_what_was_skipped_is_due_in_the_next_round() -> None:
    """Also a costly collector, which would else wait for its own long interval."""

    class SlowOnce(Subject):
        async def read(self, source: Scripted) -> float:
            world.time.now += 0.0 if self.runs else 20.0
            return await super().read(source)

    costly = Subject("costly", 1.0)
    world = World(
        SlowOnce("a", 1.0).collector(),
        costly.collector(interval=300.0, cost=Cost.COSTLY),
    )
    await world.round()
    assert costly.runs == 0

    await world.round()

    assert costly.runs == 1


def test_rounds_that_could_not_begin_are_counted() -> None:
    world = World(Subject("a", 1.0).collector())

    world.poller.missed(3)

    assert 'skipped_total{target="orders",collector="a"} 3' in world.page()


async def test_a_disabled_collector_is_not_there() -> None:
    world = World(
        Subject("activity", 1.0).collector(),
        collectors={"activity": {"enabled": False}},
    )

    assert "activity" not in await world.round()


@pytest.mark.parametrize(
    ("settings", "interval"),
    [
        ({}, 60.0),
        ({"collectors": {"activity": {"interval": "20s"}}}, 20.0),
        ({"interval": "120s"}, 120.0),
    ],
)
def test_an_interval_is_the_users_else_the_longer_default(
    settings: dict[str, object], interval: float
) -> None:
    world = World(Subject("activity", 1.0).collector(interval=60.0), **settings)

    assert world.poller.watches[0].interval == interval


async def test_closing_takes_the_target_out_of_the_snapshot() -> None:
    world = World(Subject("a", 1.0).collector())
    await world.round()

    await world.poller.close()

    assert world.source.connections == 0
    assert world.snapshot.page().plain == b""


def test_backing_off_doubles_to_half_a_minute_and_ends_with_success() -> None:
    backoff = Backoff()
    pauses = []
    for _ in range(7):
        backoff.failed(0.0)
        pauses.append(backoff.until)

    expected = [1, 2, 4, 8, 16, 30, 30]
    assert pauses == [pytest.approx(pause, rel=0.1) for pause in expected]

    backoff.worked()
    assert backoff.until == 0.0


async def test_a_dead_target_is_not_tried_while_it_is_left_alone() -> None:
    world = World(Subject("a", 1.0).collector(), interval="1s")
    world.source.unreachable = REFUSED

    for _ in range(60):
        await world.round(after=1.0)

    assert 5 <= world.source.connects <= 8
    assert 'reason="connect"} 60' in world.page()
