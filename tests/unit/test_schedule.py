"""The schedule: first rounds at once, then by scrapes, through jumps of the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from exporter.schedule import Schedule
from exporter.snapshot import Snapshot
from exporter.target import Clock, TargetPoller
from tests.unit.scripted import Scripted, Subject, Time, target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Slow(Subject):
    """A subject whose reading takes `taking` seconds of the test's time."""

    def __init__(self, time: Time) -> None:
        super().__init__("a", 1.0)
        self.time = time
        self.taking = 0.0

    async def read(self, source: Scripted) -> float:
        self.time.now += self.taking
        return await super().read(source)


class World:
    """A schedule of one target, on clocks that a test moves."""

    def __init__(self) -> None:
        self.time = Time()
        self.jump = 0.0
        clock = Clock(self.time.monotonic, lambda: self.time.wall() + self.jump)
        self.settled = asyncio.Event()
        self.schedule = Schedule(clock, self.settled.set)
        subject = Slow(self.time)
        self.poller = TargetPoller(
            Scripted(target()), [subject.collector()], Snapshot(), clock
        )
        self.subject = subject

    def delay(self) -> float:
        """Seconds from now to the next round, as APScheduler has it."""
        job = self.schedule._scheduler.get_job("orders")
        moment: datetime = job.next_run_time
        return (moment - datetime.now(UTC)).total_seconds()

    async def round(self, *, taking: float = 0.0) -> None:
        self.subject.taking = taking
        await self.schedule._round("orders")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.schedule._scheduler.start(paused=True)
    made.schedule.add(made.poller)
    yield made
    made.schedule.stop()


async def test_the_first_round_is_at_once(world: World) -> None:
    assert world.delay() < 0.1


async def test_without_scrapes_rounds_keep_the_interval(world: World) -> None:
    await world.round()

    assert world.delay() == pytest.approx(15.0, abs=0.5)


async def test_rounds_end_just_before_the_scrape_that_is_expected(
    world: World,
) -> None:
    await world.round()
    for _ in range(3):
        world.schedule.scraped(None)
        world.time.now += 15.0
    world.time.now -= 8.0

    await world.round()

    assert world.delay() == pytest.approx(8.0 - 0.1, abs=0.05)


@pytest.mark.parametrize(("slow", "lead"), [(1, 0.1), (2, 0.1 + 1.2 * 0.3)])
async def test_one_slow_round_moves_no_other_but_two_do(
    world: World, slow: int, lead: float
) -> None:
    for _ in range(3):
        world.schedule.scraped(None)
        world.time.now += 15.0
    world.time.now -= 8.0
    world.schedule._plans["orders"].durations.extend([0.3] * slow)

    await world.round()

    assert world.delay() == pytest.approx(8.0 - lead, abs=0.05)


async def test_a_targets_own_scraper_wins_over_that_of_everything(
    world: World,
) -> None:
    for _ in range(3):
        world.schedule.scraped(None)
        world.time.now += 4.0
        world.schedule.scraped("orders")
        world.time.now += 11.0

    await world.round()

    assert world.delay() == pytest.approx(15.0 + 4.0 - 0.1, abs=0.05)


async def test_a_scrape_of_an_unknown_target_is_no_error(world: World) -> None:
    world.schedule.scraped("nobody")

    assert world.delay() < 0.1


async def test_a_round_longer_than_the_interval_is_counted_not_queued(
    world: World,
) -> None:
    await world.round(taking=40.0)

    page = world.poller.watches[0]
    assert page.skipped == 2
    assert world.delay() < 0.1


async def test_after_a_round_pages_are_prepared(world: World) -> None:
    await world.round()

    assert not world.settled.is_set()
    await asyncio.wait_for(world.settled.wait(), 5)


async def test_a_clock_set_back_delays_no_poll(world: World) -> None:
    """APScheduler would run nothing for an hour: its times are on the wall clock."""
    await world.round()
    world.time.now += 5.0
    before = world.schedule._scheduler.get_job("orders").next_run_time

    world.jump = -3600.0
    world.schedule._watch_clocks()

    after = world.schedule._scheduler.get_job("orders").next_run_time
    assert after != before
    assert world.delay() == pytest.approx(10.0, abs=0.5)


async def test_a_steady_clock_changes_nothing(world: World) -> None:
    await world.round()
    before = world.schedule._scheduler.get_job("orders").next_run_time

    world.time.now += 5.0
    world.schedule._watch_clocks()

    assert world.schedule._scheduler.get_job("orders").next_run_time == before


async def test_a_removed_target_is_polled_no_more(world: World) -> None:
    await world.schedule.remove("orders")
    runs = world.subject.runs

    await world.schedule._round("orders")

    assert world.subject.runs == runs
    assert world.schedule._scheduler.get_job("orders") is None
