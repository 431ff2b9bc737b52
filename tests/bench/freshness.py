"""What one scraper at the poll interval gets: how fresh, how many polls, how soon."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import SourceKind
from tests.bench.client import Scraper, beat, by_target, quantile, rounds
from tests.bench.report import Line
from tests.bench.world import quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_KINDS = tuple(SourceKind)
_EVERY = 1.0
_FINDING = 10  # scrapes until the scraper is recognised and followed
_SUCCESS = "kpi_exporter_collector_last_success_timestamp_seconds"
_WINDOWS = 3
_SCRAPES = 40


def run(world: World) -> Iterator[Line]:
    """Scrape at the poll interval, and look at each page that came."""
    config = quickened(world.config("15s", _KINDS), _KINDS, _EVERY)
    found = Found([], [], [])
    polls: dict[str, float] = {}
    with world.exporter(config) as exporter, Scraper(exporter.port) as scraper:
        wait_for_all(exporter)
        scrapes = _FINDING + _WINDOWS * _SCRAPES
        world.say(f"{scrapes} scrapes, one every {_EVERY:g} s")
        for turn in beat(_EVERY, scrapes):
            now, begun = time.time(), time.perf_counter()
            body = scraper.fetch()
            seconds = time.perf_counter() - begun
            page = gzip.decompress(body).decode()
            before, polls = polls, rounds(page)
            if turn >= _FINDING:
                found.taken.append(seconds)
                found.ages.extend(now - at for at in by_target(page, _SUCCESS).values())
                found.new.extend(polls[name] - before[name] for name in polls)
    yield from _lines(found)


class Found(NamedTuple):
    """What the scrapes brought: seconds they took, ages, new polls per target."""

    taken: list[float]
    ages: list[float]
    new: list[float]


def _lines(found: Found) -> Iterator[Line]:
    ages, seen = sorted(found.ages), found.new
    note = f"median {quantile(ages, 0.5):.2f}, most {ages[-1]:.2f}, any target"
    yield Line(
        "age of the data when scraped, p99", quantile(ages, 0.99), "s", note=note
    )
    once = sum(count == 1 for count in seen) / len(seen) * 100
    note = f"{len(seen)} looks at a target: {min(seen):g} to {max(seen):g} new"
    yield Line("scrapes that saw exactly 1 new poll", once, "%", exactly=100, note=note)
    windows = [
        sorted(found.taken[first : first + _SCRAPES])
        for first in range(0, len(found.taken), _SCRAPES)
    ]
    taken = min(windows, key=lambda window: window[-1])
    note = f"p50 {quantile(taken, 0.5) * 1e3:.2f}, best of {_WINDOWS} times {_SCRAPES}"
    what = "first scrape after a poll, gzip, longest"
    yield Line(what, taken[-1] * 1e3, "ms", most=5.0, note=note)
