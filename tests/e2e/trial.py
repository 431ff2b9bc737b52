"""One fault, or none: what arrives, when, with which cause, and when it is over."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo import faults
from exporter.demo.alerting.notice import WATCHDOG
from exporter.demo.alerting.settings import EVALUATION, SCRAPE
from tests.e2e.expected import LINGERING

if TYPE_CHECKING:
    from exporter.demo.alerting.notice import Notice
    from tests.e2e.book import Entry
    from tests.e2e.expected import Expected
    from tests.e2e.world import World

_GROUP_WAIT = 0.0
_CALM = 120.0  # seconds until nothing fires that a former fault has caused
_ARRIVAL = 120.0  # an age of a minute must pass first under idle-in-transaction
_COMPANY = 6.0  # seconds in which companions may still arrive
_RECOVERY = 120.0


class Other(NamedTuple):
    """An alert that was not asked for, and why it is accepted; None when it is not."""

    name: str
    reason: str | None


class Result(NamedTuple):
    """What came of a fault; times are seconds.

    `notified` counts from the fault, `seen` up to the first evaluation that saw the
    promise broken, `least` is scrape, evaluation, `for` and group_wait together.
    """

    expected: Expected
    notified: float | None
    seen: float | None
    least: float
    cause: str | None
    others: tuple[Other, ...]
    over: float | None

    @property
    def problems(self) -> list[str]:
        """Say everything that is not as it must be."""
        alert = self.expected.alert
        if self.notified is None:
            return [f"{alert} did not arrive"]
        found = [
            f"{other.name} arrived as well and is not expected"
            for other in self.others
            if other.reason is None
        ]
        if self.cause is None:
            found.append(f"{alert} does not name {self.expected.cause}")
        if self.over is None:
            found.append(f"{alert} is not over after the fault")
        return found


async def idle(world: World, seconds: float) -> list[Other]:
    """Break nothing for a while; returns what arrives beside the Watchdog."""
    began = time.time()
    there = await world.book.until(lambda: WATCHDOG in world.book.firing, _ARRIVAL)
    await asyncio.sleep(seconds)
    found = [_other(world, e.notice, frozenset()) for e in world.book.since(began)]
    missing = [] if there else [Other("no Watchdog", None)]
    return [*missing, *(other for other in found if other.name != WATCHDOG)]


async def broken(world: World, expected: Expected) -> Result:
    """Inject a fault, wait for its alert, mend it, wait for the end of the alert."""
    caused = {expected.alert, *expected.companions} - LINGERING
    await world.book.until(lambda: not caused & world.book.firing, _CALM)
    already = world.book.firing
    began = time.time()
    async with faults.load(expected.fault).broken(world.places):
        await world.book.until(
            lambda: _first(world.book.since(began), expected.alert) is not None,
            _ARRIVAL,
        )
        await asyncio.sleep(_COMPANY)
        entries = world.book.since(began)
        seen = await _seen(world, expected.alert, began)
    ended = time.time()
    gone = await world.book.until(
        lambda: expected.alert not in world.book.firing, _RECOVERY
    )
    first = _first(entries, expected.alert)
    others = {
        _other(world, entry.notice, expected.companions)
        for entry in entries
        if entry.notice.name not in {expected.alert, WATCHDOG, *already}
    }
    return Result(
        expected,
        notified=first.at - began if first else None,
        seen=seen,
        least=SCRAPE + EVALUATION + await _hold(world, first) + _GROUP_WAIT,
        cause=_cause(first.notice, expected.cause) if first else None,
        others=tuple(sorted(others)),
        over=time.time() - ended if gone else None,
    )


def _first(entries: list[Entry], alert: str) -> Entry | None:
    return next((entry for entry in entries if entry.notice.name == alert), None)


def _other(world: World, notice: Notice, companions: frozenset[str]) -> Other:
    if notice.name in companions:
        return Other(notice.name, "companion")
    return Other(notice.name, world.witness.saw(notice))


def _cause(notice: Notice, pattern: str) -> str | None:
    lines = [*notice.evidence, notice.annotations["summary"]]
    return next((line for line in lines if re.search(pattern, line)), None)


async def _seen(world: World, alert: str, began: float) -> float | None:
    """Return after how long an evaluation first found the promise broken."""
    selector = f'ALERTS{{alertname="{alert}"}}[10m]'
    found = await world.ask("query", query=selector)
    times = [at for series in found["result"] for at, _ in series["values"]]
    return min((at - began for at in times if at >= began), default=None)


async def _hold(world: World, entry: Entry | None) -> float:
    """Return the `for` of the alert that arrived."""
    if entry is None:
        return 0.0
    notice = entry.notice
    return next(
        float(rule["duration"])
        for group in (await world.ask("rules", type="alert"))["groups"]
        for rule in group["rules"]
        if (rule["name"], rule["labels"]["severity"]) == (notice.name, notice.severity)
    )
