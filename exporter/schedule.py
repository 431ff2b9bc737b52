"""Says when targets are polled; the only place that knows APScheduler."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from exporter.phase import Scrapes, Wish, next_start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from exporter.target import Clock, TargetPoller

_MARGIN = 0.1  # seconds between the end of a poll and the scrape that it is meant for
_SETTLED = 0.06  # seconds without the end of a round, after which pages are prepared
_FIRST = 0.02  # seconds between the very first rounds of two targets
_SLOT = 0.05  # most seconds by which targets that follow the same scraper are set apart
_SPREAD = 0.8  # most of the scraper's period over which all of them are set apart
_AT_ONCE = 16  # rounds that run side by side; more would only slow each other down,
_PATIENCE = 0.1  # but one more per so many seconds may, lest frozen servers stop all
_GOODBYE = 1.0  # seconds that the last round of a target has to end in good order
_GUARD = 1.0  # seconds between two looks at the clocks
_JUMP = 0.5  # seconds of disagreement between the clocks that count as a jump

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Plan:
    target: TargetPoller
    index: int
    scrapes: Scrapes = field(default_factory=Scrapes)
    last: float = float("-inf")
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[Any] | None = None
    usual: float = 0.0
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=10))

    def took(self, seconds: float) -> None:
        """Take note of a round; `usual` is the longest of late but one.

        A round that connects or reads what is read rarely moves no other.
        """
        self._durations.append(seconds)
        self.usual = max(sorted(self._durations)[:-1], default=0.0)


class Schedule:
    """Runs each target's rounds, timed to end just before the scrape they are for.

    At most one round of a target runs at a time. Rounds that could not begin because
    one was still running are skipped and counted. Few targets have theirs side by side:
    if a hundred began together, each would run into its deadline. APScheduler's timers
    are on the wall clock: a guard compares it with the monotonic clock and plans anew
    after a jump.
    """

    def __init__(
        self, clock: Clock, settled: Callable[[], None] = lambda: None
    ) -> None:
        """Take what is to be called when rounds have ended and no other ends soon."""
        self._clock = clock
        self._settled = settled
        self._settling: asyncio.TimerHandle | None = None
        self._everything = Scrapes()
        self._plans: dict[str, _Plan] = {}
        self._indexes = count()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, executors={"default": AsyncIOExecutor()}
        )
        self._offset = self._difference()
        self._guard: asyncio.TimerHandle | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    def start(self) -> None:
        """Begin to poll."""
        self._scheduler.start()
        self._watch_clocks()

    def add(self, target: TargetPoller) -> None:
        """Poll a target from now on, its first round at once."""
        plan = _Plan(target, next(self._indexes))
        plan.idle.set()
        before = [it for it in self._plans.values() if it.last == float("-inf")]
        self._plans[target.config.name] = plan
        self._at(plan, self._clock.monotonic() + len(before) * _FIRST)

    async def remove(self, name: str) -> None:
        """Poll a target no more; a round that runs has a second to end in order."""
        plan = self._plans.pop(name)
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await plan.idle.wait()
        if plan.running:
            plan.running.cancel()
        await plan.idle.wait()

    def scraped(self, target: str | None) -> None:
        """Take note of a scrape that begins now: of one target, or of all (None)."""
        now = self._clock.monotonic()
        if target is None:
            if self._everything.seen(now):
                self._replan(list(self._plans.values()))
        elif (plan := self._plans.get(target)) and plan.scrapes.seen(now):
            self._replan([plan])

    def stop(self) -> None:
        """Begin no more rounds."""
        for timer in (self._guard, self._settling):
            if timer:
                timer.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _round(self, name: str) -> None:
        plan = self._plans.get(name)
        if plan is None or not plan.idle.is_set():
            return
        plan.idle.clear()
        plan.running = asyncio.current_task()
        plan.last = self._clock.monotonic()
        try:
            async with self._turn():
                begun = self._clock.monotonic()
                await plan.target.round()
                plan.took(self._clock.monotonic() - begun)
        except Exception:
            log.exception("round failed", extra={"fields": {"target": name}})
        finally:
            plan.running = None
            plan.idle.set()
        missed = int((self._clock.monotonic() - plan.last) / plan.target.period)
        if missed:
            plan.target.missed(missed)
        if name in self._plans:
            self._replan([plan])
        self._settle()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait until few rounds run, or until those before have waited long enough."""
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE * self._waiting):
                await self._turns.acquire()
        except TimeoutError:
            give = None
        else:
            give = self._turns.release
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            if give:
                give()

    def _settle(self) -> None:
        if self._settling:
            self._settling.cancel()
        loop = asyncio.get_running_loop()
        self._settling = loop.call_later(_SETTLED, self._settled)

    def _replan(self, plans: list[_Plan]) -> None:
        now = self._clock.monotonic()
        for plan in plans:
            if not plan.idle.is_set():
                continue
            beat = plan.scrapes.current(now)
            lead = _MARGIN + 1.2 * plan.usual
            if beat is None and (beat := self._everything.current(now)):
                lead += self._behind(plan, beat.period)
            wish = Wish(plan.target.period, plan.last, lead)
            self._at(plan, next_start(beat, wish, now))

    def _behind(self, plan: _Plan, period: float) -> float:
        """Return the seconds kept free for targets that are polled after this one."""
        apart = [(p.index, min(p.usual, _SLOT)) for p in self._plans.values()]
        total = sum(seconds for _, seconds in apart)
        behind = sum(seconds for index, seconds in apart if index < plan.index)
        return behind * min(1.0, _SPREAD * period / total) if total else 0.0

    def _at(self, plan: _Plan, start: float) -> None:
        delay = start - self._clock.monotonic()
        self._scheduler.add_job(
            self._round,
            DateTrigger(datetime.now(UTC) + timedelta(seconds=delay)),
            args=[plan.target.config.name],
            id=plan.target.config.name,
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=2,  # a round plans the next one while it counts as running
        )

    def _difference(self) -> float:
        return self._clock.wall() - self._clock.monotonic()

    def _watch_clocks(self) -> None:
        difference = self._difference()
        if abs(difference - self._offset) > _JUMP:
            seconds = f"{difference - self._offset:+.1f}"
            log.warning("clock jumped", extra={"fields": {"seconds": seconds}})
            self._replan(list(self._plans.values()))
        self._offset = difference
        loop = asyncio.get_running_loop()
        self._guard = loop.call_later(_GUARD, self._watch_clocks)
