"""One target's rounds: connect, run the due collectors in turn, tell the snapshot."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter import health
from exporter.collector import Cost
from exporter.errors import Reason, SourceError
from exporter.exposition import Renderer
from exporter.poll import Failure, FailureLog, failure, poll
from exporter.watch import watches_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.collector import AnyCollector
    from exporter.config import Target
    from exporter.exposition import Rendered
    from exporter.snapshot import Snapshot
    from exporter.sources.base import Source
    from exporter.watch import Watch

_BUDGET = 0.02  # share of the time that a target's server may be kept busy by us
_MOST_STRETCH = 4.0
_SMOOTHING = 0.2
_HEALTH, _MISHAPS = "", "-"  # the names under which these stand in the snapshot
_JITTER = random.SystemRandom()


class Clock(NamedTuple):
    """Where time comes from: seconds that never jump, and Unix time."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


@dataclass(slots=True)
class Backoff:
    """How long a target that cannot be reached is left alone: 1 s, doubled, ≤ 30 s."""

    until: float = 0.0
    tries: int = 0

    def failed(self, now: float) -> None:
        """Wait longer than the last time, with a jitter of a tenth."""
        pause = min(30.0, 2.0**self.tries)
        self.tries += 1
        self.until = now + pause * _JITTER.uniform(0.9, 1.1)

    def worked(self) -> None:
        """Wait no more."""
        self.until, self.tries = 0.0, 0


class TargetPoller:
    """A target with its source, its collectors and their outcomes.

    `period` is in seconds from round to round: the shortest interval of a collector.
    """

    def __init__(
        self,
        source: Source[Any],
        collectors: Sequence[AnyCollector],
        snapshot: Snapshot,
        clock: Clock,
    ) -> None:
        """Say at once that the target is there, before its first poll."""
        self.source = source
        self.config: Target = source.config
        self.up: bool | None = None
        self.why: Failure | None = None
        self.stretch = 1.0
        self.polled = asyncio.Event()
        self.watches = watches_of(self.config, collectors)
        self.period = min((watch.interval for watch in self.watches), default=15.0)
        self._snapshot = snapshot
        self._clock = clock
        self._backoff = Backoff()
        self._opened = source.opened
        self._server: str | None = None
        self._log = FailureLog(target=self.config.name)
        self._part_logs: dict[str, FailureLog] = {}
        self._health = Renderer(self.config.name, sys.maxsize)  # never cut: no data
        self._told: list[tuple[int, int, int]] | None = None
        self._busy = 0.0
        self._measured = (clock.monotonic(), source.seconds)
        self.publish()

    async def round(self) -> None:
        """Run every collector that is due; never raises but for cancellation."""
        begun = self._clock.monotonic()
        if await self._connected(self._due(begun)):
            async with self.source.together():
                await self._run_all(begun)
        self._note_parts()
        self._account()
        self.publish()
        self.polled.set()

    async def _run_all(self, begun: float) -> None:
        due = self._due(begun)  # all, if another server was met
        for index, watch in enumerate(due):
            if self._clock.monotonic() - begun > self.period:
                self._skip(due[index:])
                break
            watch.started = begun
            if not await self._run(watch, due[index + 1 :]):
                break

    def missed(self, rounds: int) -> None:
        """Count rounds that could not begin because one was still running."""
        for watch in self.watches:
            if watch.interval <= self.period:
                watch.skipped += rounds
        self.publish()

    def publish(self) -> None:
        """Put the target's health into the snapshot."""
        rendered = self._health.render(
            health.samples(self.source, self.watches, up=self.up, stretch=self.stretch)
        )
        self._snapshot.put(self.config.name, _HEALTH, rendered.families)
        told = health.told(self.watches)
        if told != self._told:
            self._told = told
            rendered = self._health.render(health.mishaps(self.watches))
            self._snapshot.put(self.config.name, _MISHAPS, rendered.families)

    async def close(self) -> None:
        """Close the source and take the target out of the snapshot."""
        await self.source.close()
        self._snapshot.remove(self.config.name)

    def _due(self, now: float) -> list[Watch]:
        return [watch for watch in self.watches if self._is_due(watch, now)]

    def _is_due(self, watch: Watch, now: float) -> bool:
        stretch = self.stretch if watch.collector.cost is Cost.COSTLY else 1.0
        if watch.started is None:
            return True
        return now - watch.started >= watch.interval * stretch - self.period / 2

    async def _connected(self, due: Sequence[Watch]) -> bool:
        """Reach the server, or fail all that the target has to say."""
        now = self._clock.monotonic()
        if self.why is not None and now < self._backoff.until:
            self._down(self.why, due)
            return False
        try:
            await self.source.connect(self.config.deadline)
            await self._recognise()
        except SourceError as error:
            self._backoff.failed(now)
            self._down(failure(error), due)
            return False
        self._backoff.worked()
        self._log.worked(now)
        self.up, self.why = True, None
        return True

    async def _recognise(self) -> None:
        """Forget what another server said before, and let all be read anew.

        It may have taken the other's place between two polls, and what is read rarely
        would be the old one's for long. Raises SourceError when it does not answer.
        """
        if self.source.opened == self._opened:
            return
        self._opened = self.source.opened
        try:
            found = await self.source.run(
                lambda source: source.identity(), self.config.deadline
            )
        except SourceError as error:
            if not error.answered:
                raise
            return
        if found is None:
            return
        if self._server not in (None, found):
            for watch in self.watches:
                watch.started = None
                self._snapshot.drop(self.config.name, watch.collector.name)
        self._server = found

    async def _run(self, watch: Watch, rest: Sequence[Watch]) -> bool:
        """Run one collector; returns whether the rest may run.

        A connection that had died unseen is replaced and the collector run once more.
        """
        result = await self._poll(watch)
        if isinstance(result, Failure) and not result.answered:
            if not await self._connected([watch, *rest]):
                return False
            if result.reason is Reason.CONNECT:
                result = await self._poll(watch)
        self._note(watch, result)
        return True

    async def _poll(self, watch: Watch) -> Rendered | Failure:
        outcome = await poll(watch.collector, self.source, watch.state, watch.renderer)
        watch.seconds = outcome.seconds
        self._snapshot.evidence.put(
            self.config.name,
            watch.collector.name,
            outcome.evidence,
            self._clock.wall(),
        )
        return outcome.result

    def _note(self, watch: Watch, result: Rendered | Failure) -> None:
        name = watch.collector.name
        watch.polls += 1
        if isinstance(result, Failure):
            watch.log.failed(result, self._clock.monotonic())
            self._fail(watch, result)
            watch.failures[result.reason] += 1
            return
        watch.log.worked(self._clock.monotonic())
        watch.failure = None
        watch.last_success = self._clock.wall()
        watch.series = result.series
        watch.dropped += result.dropped
        self._snapshot.put(self.config.name, name, result.families)

    def _note_parts(self) -> None:
        """Log what came of parts of reads, as it is logged for whole ones."""
        parts, self.source.parts = self.source.parts, {}
        now, name = self._clock.monotonic(), self.config.name
        for part, error in parts.items():
            log = self._part_logs.setdefault(part, FailureLog(target=name, part=part))
            if error is None:
                log.worked(now)
            else:
                log.failed(failure(error), now)

    def _down(self, why: Failure, due: Sequence[Watch]) -> None:
        self._log.failed(why, self._clock.monotonic())
        self.up, self.why = False, why
        for watch in self.watches:
            self._fail(watch, why)
            watch.started = None
        for watch in due:
            watch.polls += 1
            watch.failures[why.reason] += 1

    def _fail(self, watch: Watch, why: Failure) -> None:
        watch.failure = why
        watch.series = 0
        self._snapshot.drop(self.config.name, watch.collector.name)
        self._snapshot.evidence.stale(self.config.name, watch.collector.name)

    def _skip(self, late: Sequence[Watch]) -> None:
        for watch in late:
            watch.skipped += 1

    def _account(self) -> None:
        """Compare the time our reads took with the budget; stretch what is costly."""
        now, spent = self._clock.monotonic(), self.source.seconds
        then, before = self._measured
        share = (spent - before) / max(now - then, self.period)
        self._measured = (now, spent)
        self._busy += _SMOOTHING * (share - self._busy)
        self.stretch = min(_MOST_STRETCH, max(1.0, self._busy / _BUDGET))
