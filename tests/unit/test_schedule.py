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
        self.tasks: list[asyncio.Task[None]] = []
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
    for task in made.tasks:
        task.cancel()
    made.schedule.stop()


async def test_the_first_round_is_at_once(world: World) -> None:
    assert world.delay() < 0.1


async def test_the_first_round_of_one_among_many_is_at_once(world: World) -> None:
    many = [Hanging(f"target-{number}", world.time) for number in range(100)]
    for one in many:
        world.schedule.add(one)
        world.schedule._plans[one.config.name].last = world.time.now

    world.time.now += 5.0
    await world.schedule.remove("orders")
    world.schedule.add(world.poller)

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
    for _ in range(slow):
        world.schedule._plans["orders"].took(0.3)

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


async def test_a_round_longer_than_the_interval_is_followed_by_others(
    world: World,
) -> None:
    world.subject.taking = 40.0

    world.schedule._scheduler.resume()

    async with asyncio.timeout(5):
        while world.poller.watches[0].polls < 3:
            world.poller.polled.clear()
            await world.poller.polled.wait()


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


class Hanging(TargetPoller):
    """A target whose round lasts until the test ends it; counts its rounds."""

    rounds = 0

    def __init__(self, name: str, time: Time) -> None:
        config = target()
        config.name_it(name)
        clock = Clock(time.monotonic, time.wall)
        super().__init__(Scripted(config), [], Snapshot(), clock)
        self.begun = asyncio.Event()
        self.end = asyncio.Event()

    async def round(self) -> None:
        self.rounds += 1
        self.begun.set()
        await self.end.wait()


async def started(world: World, count: int) -> list[Hanging]:
    """Begin a round of each of so many targets, and let those run that may."""
    found = [Hanging(f"target-{number}", world.time) for number in range(count)]
    for one in found:
        world.schedule.add(one)
    world.tasks = [
        asyncio.create_task(world.schedule._round(one.config.name)) for one in found
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return found


async def test_a_round_that_hangs_ends_with_its_target(world: World) -> None:
    (hanging,) = await started(world, 1)

    async with asyncio.timeout(5):
        await world.schedule.remove(hanging.config.name)

    (task,) = world.tasks
    await asyncio.wait({task})
    assert task.cancelled()


async def test_a_round_does_not_begin_beside_one_of_the_same_target(
    world: World,
) -> None:
    """A scrape may plan one anew that has begun, and has not run a line yet."""
    (hanging,) = await started(world, 1)

    async with asyncio.timeout(5):
        await world.schedule._round(hanging.config.name)

    assert hanging.rounds == 1


async def test_few_rounds_run_side_by_side(world: World) -> None:
    targets = await started(world, 20)

    assert [one.begun.is_set() for one in targets] == [True] * 16 + [False] * 4

    targets[3].end.set()
    await asyncio.wait_for(targets[16].begun.wait(), 5)


async def test_rounds_that_hang_keep_no_other_from_beginning(world: World) -> None:
    targets = await started(world, 18)

    for one in targets:
        await asyncio.wait_for(one.begun.wait(), 5)


def test_targets_of_one_scraper_are_set_apart_by_what_their_rounds_take(
    world: World,
) -> None:
    plans = world.schedule._plans
    for name, taken in (("a", 0.03), ("b", 0.2), ("c", 0.01)):
        world.schedule.add(Hanging(name, world.time))
        plans[name].usual = taken

    behind = {name: world.schedule._behind(plans[name], 15.0) for name in "abc"}

    assert behind == {"a": 0.0, "b": 0.03, "c": pytest.approx(0.08)}
    assert world.schedule._behind(plans["c"], 0.05) < 0.04


async def test_a_target_that_is_opened_anew_is_set_apart(world: World) -> None:
    world.schedule.add(Hanging("a", world.time))
    await world.schedule.remove("orders")
    world.schedule.add(world.poller)

    assert len({plan.index for plan in world.schedule._plans.values()}) == 2
