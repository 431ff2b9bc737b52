"""A target's rounds: what is due, what is skipped, stretched or left alone."""

from __future__ import annotations

import pytest

from exporter.collector import Cost
from exporter.errors import Reason, SourceError
from exporter.target import Backoff
from tests.unit.scripted import Scripted, Subject, World

REFUSED = SourceError(Reason.CONNECT, "connection refused")


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
