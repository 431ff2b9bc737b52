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
from tests.e2e.panels import FILLING, blank, filled_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.demo.alerting.notice import Notice
    from tests.e2e.book import Entry
    from tests.e2e.expected import Expected
    from tests.e2e.panels import Cost, Panel
    from tests.e2e.world import World

_GROUP_WAIT = 0.0
_WINDOW = 20.0  # seconds in which a fault that is over still shows in rates
_ARRIVAL = 120.0  # an age of a minute must pass first under idle-in-transaction
_COMPANY = 5.0  # seconds in which companions may still arrive
_RECOVERY = 120.0
_EVIDENCE = 20.0  # seconds within which an incident has its causes


class Other(NamedTuple):
    """An alert that was not asked for, and why it is accepted; None when it is not."""

    name: str
    reason: str | None


class Idle(NamedTuple):
    """What arrived while nothing was broken, and the panels that showed nothing."""

    others: tuple[Other, ...]
    blank: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Say everything that is not as it must be."""
        return [
            *(f"{each.name} arrived" for each in self.others if each.reason is None),
            *(f"{name} shows nothing" for name in self.blank),
        ]


class Incident(NamedTuple):
    """The first cause in the end, and the seconds from the fault to there being one."""

    cause: str | None
    named: float | None


class Result(NamedTuple):
    """What came of a fault; times are seconds.

    `notified` counts from the fault, `seen` up to the first evaluation that saw the
    promise broken, `least` is scrape, evaluation, `for` and group_wait together.
    `still` is what a witness sees of it in the end, `blank` are the panels that this
    fault should have filled.
    """

    expected: Expected
    notified: float | None
    seen: float | None
    least: float
    cause: str | None
    others: tuple[Other, ...]
    over: float | None
    still: str | None
    blank: tuple[str, ...]
    incident: Incident

    @property
    def problems(self) -> list[str]:
        """Say everything that is not as it must be."""
        alert = self.expected.alert
        if self.notified is None:
            fires = f"{alert} fires without it: {self.still}"
            return [fires if self.still else f"{alert} did not arrive"]
        found = [
            f"{other.name} arrived as well and is not expected"
            for other in self.others
            if other.reason is None
        ]
        if self.cause is None:
            found.append(f"{alert} does not name {self.expected.cause}")
        if self.over is None and self.still is None:
            found.append(f"{alert} is not over after the fault")
        wanted = self.expected.first or self.expected.cause
        if not re.search(wanted, self.incident.cause or ""):
            found.append(f"its incident does not name {wanted} first")
        return found + [f"{name} shows nothing" for name in self.blank]


class Outcome(NamedTuple):
    """What came of idle time and of each fault, and what was dearest to ask."""

    idle: Idle
    results: list[Result]
    costs: tuple[Cost, Cost]


async def idle(world: World, seconds: float) -> Idle:
    """Break nothing for a while."""
    began = time.time()
    there = await world.book.until(lambda: WATCHDOG in world.book.firing, _ARRIVAL)
    await asyncio.sleep(seconds)
    missing = [] if there else [Other("no Watchdog", None)]
    found = {_other(entry, frozenset()) for entry in world.book.since(began)}
    others = sorted((other for other in found if other.name != WATCHDOG), key=str)
    full = {name for name, of in FILLING.items() if not world.witness.saw_less(of)}
    wanted = [each for each in filled_by(world.plan, None) if each.name not in full]
    blanks = await _blank(world, wanted, began)
    return Idle((*missing, *others), blanks)


async def broken(world: World, expected: Expected) -> Result:
    """Inject a fault, wait for its alert, mend it, wait for the end of the alert."""
    book = world.book
    await book.until(lambda: expected.alert not in book.firing, _RECOVERY)
    already = book.firing
    began = time.time()
    async with faults.load(expected.fault).broken(world.places):
        await book.until(
            lambda: _first(book.since(began), expected.alert) is not None, _ARRIVAL
        )
        named = await _named(world, expected.alert, began)
        await asyncio.sleep(_COMPANY)
        incident = await world.incident(expected.alert, began)
        blank = await _blank(world, filled_by(world.plan, expected.fault), began)
        entries = book.since(began)
        seen = await _seen(world, expected.alert, began)
    ended = time.time()
    gone = await book.until(lambda: expected.alert not in book.firing, _RECOVERY)
    over = time.time()
    first = _first(entries, expected.alert)
    notice = first.notice if first else book.fires(expected.alert)
    others = {
        _other(entry, expected.companions)
        for entry in entries
        if entry.notice.name not in {expected.alert, WATCHDOG, *already}
    }
    return Result(
        expected,
        notified=first.at - began if first else None,
        seen=seen,
        least=SCRAPE + EVALUATION + await _hold(world, first) + _GROUP_WAIT,
        cause=_cause(first.notice, expected.cause) if first else None,
        others=tuple(sorted(others, key=str)),
        over=over - ended if gone else None,
        still=world.witness.saw(notice, _WINDOW) if notice else None,
        blank=blank,
        incident=Incident(incident["first_cause"] if incident else None, named),
    )


async def calm(world: World, after: Expected) -> None:
    """Wait until a fault shows in no rate any more, and none of its alerts fires."""
    await asyncio.sleep(_WINDOW)
    caused = {after.alert, *after.companions} - LINGERING
    await world.book.until(lambda: not caused & world.book.firing, _RECOVERY)


async def _blank(
    world: World, wanted: Sequence[Panel], since: float
) -> tuple[str, ...]:
    """Name the panels that show nothing, even after some time."""
    deadline = time.monotonic() + _WINDOW
    while found := await blank(world, wanted, since):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(1.0)
    return tuple(found)


async def _named(world: World, alert: str, began: float) -> float | None:
    """Wait until the incident has a first cause; returns the seconds it took."""
    deadline = time.monotonic() + _EVIDENCE
    while time.monotonic() < deadline:
        found = await world.incident(alert, began)
        if found and found["first_cause"]:
            return time.time() - began
        await asyncio.sleep(0.2)
    return None


def _first(entries: list[Entry], alert: str) -> Entry | None:
    return next((entry for entry in entries if entry.notice.name == alert), None)


def _other(entry: Entry, companions: frozenset[str]) -> Other:
    name = entry.notice.name
    return Other(name, "companion" if name in companions else entry.seen)


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
