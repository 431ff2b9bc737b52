"""How much memory the exporter needs, and whether that grows."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import SourceKind
from tests.bench.client import Scraper, beat, rounds, values
from tests.bench.machine import resident_mib
from tests.bench.report import Line
from tests.bench.world import quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.world import World
    from tests.integration.exporter_process import ExporterProcess

_TRIO = (SourceKind.POSTGRES, SourceKind.REDIS, SourceKind.HOST)
_EVERY = 0.2
_ROUNDS = 200
_POLLS = 10_000
_SETTLED = 4000  # polls until caches are full
_NONE = 0.5  # MiB that cannot be told from none: memory goes up and down by more


class Moment(NamedTuple):
    """How much memory there was after so many polls and rounds."""

    polls: float
    rounds: float
    mib: float


def run(world: World) -> Iterator[Line]:
    """Measure with and without Neo4j, then let it run on."""
    for kinds, most in ((_TRIO, 80.0), (tuple(SourceKind), 110.0)):
        names = ", ".join(kinds)
        config = quickened(world.config("15s", kinds), kinds, _EVERY)
        with world.exporter(config) as exporter:
            wait_for_all(exporter)
            world.say(f"{_ROUNDS} rounds and scrapes: {names}")
            found = _follow(exporter, lambda moment: moment.rounds >= _ROUNDS)
            what = f"memory after {_ROUNDS} rounds and scrapes: {names}"
            yield Line(what, found[-1].mib, "MiB", most=most)
            if kinds is _TRIO:
                world.say(f"on to {_POLLS:,} polls")
                long = _follow(exporter, lambda moment: moment.polls >= _POLLS)
                yield _growth(long)


def _follow(
    exporter: ExporterProcess, enough: Callable[[Moment], bool]
) -> list[Moment]:
    """Scrape once per round until it is enough."""
    moments: list[Moment] = []
    with Scraper(exporter.port) as scraper:
        for _ in beat(_EVERY, _POLLS):
            page = scraper.text()
            polls = sum(values(page, "kpi_exporter_collector_polls_total").values())
            mib = resident_mib(exporter.process.pid)
            moments.append(Moment(polls, max(rounds(page).values()), mib))
            if enough(moments[-1]):
                break
    return moments


def _growth(found: list[Moment]) -> Line:
    """Compare the end with the time when all caches were full."""
    settled = [moment for moment in found if moment.polls >= _SETTLED]
    fifth = len(settled) // 5
    first, last = (
        median(moment.mib for moment in part)
        for part in (settled[:fifth], settled[-fifth:])
    )
    end = found[-1]
    note = f"{first:.1f} to {last:.1f} MiB; {end.rounds:,.0f} rounds"
    what = f"memory growth from poll {_SETTLED:,} to {_POLLS:,}"
    return Line(what, round(last - first, 2), "MiB", most=_NONE, note=note)
