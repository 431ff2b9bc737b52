"""What one scraper at the poll interval gets: how fresh, how many polls, how soon."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

from exporter.collector import SourceKind
from tests.bench.client import Scraper, beat, quantile
from tests.bench.report import Line
from tests.bench.world import quickened, wait_for_all
from tests.integration.exporter_process import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_KINDS = tuple(SourceKind)
_EVERY = 2.0
_FINDING = 6  # scrapes until the scraper is recognised and followed
_SCRAPES = 40


def run(world: World) -> Iterator[Line]:
    """Scrape at the poll interval, and look at each page that came."""
    config = quickened(world.config("15s", _KINDS), _KINDS, _EVERY)
    ages: list[float] = []
    taken: list[float] = []
    seen: list[float] = []
    polls: dict[str, float] = {}
    with world.exporter(config) as exporter, Scraper(exporter.port) as scraper:
        wait_for_all(exporter)
        world.say(f"{_SCRAPES} scrapes, one every {_EVERY:g} s")
        for turn in beat(_EVERY, _FINDING + _SCRAPES):
            now, begun = time.time(), time.perf_counter()
            body = scraper.fetch()
            seconds = time.perf_counter() - begun
            page = Page(gzip.decompress(body).decode())
            before, polls = polls, _polls(page)
            if turn >= _FINDING:
                taken.append(seconds)
                ages += _ages(page, now)
                seen += [polls[name] - before[name] for name in polls]
    yield from _lines(sorted(ages), sorted(taken), seen)


def _lines(ages: list[float], taken: list[float], seen: list[float]) -> Iterator[Line]:
    note = f"median {quantile(ages, 0.5):.2f}, most {ages[-1]:.2f}, any target"
    yield Line(
        "age of the data when scraped, p99", quantile(ages, 0.99), "s", note=note
    )
    once = sum(count == 1 for count in seen) / len(seen) * 100
    note = f"{len(seen)} looks at a target: {min(seen):g} to {max(seen):g} new"
    yield Line("scrapes that saw exactly 1 new poll", once, "%", exactly=100, note=note)
    note = f"p50 {quantile(taken, 0.5) * 1e3:.2f}, {len(taken)} scrapes"
    what = "first scrape after a poll, gzip, most"
    yield Line(what, taken[-1] * 1e3, "ms", most=5.0, note=note)


def _ages(page: Page, now: float) -> list[float]:
    """Return the age of each target's newest data."""
    newest: dict[str, float] = {}
    name = "kpi_exporter_collector_last_success_timestamp_seconds"
    for labels, value in page.samples(name):
        newest[labels["target"]] = max(newest.get(labels["target"], 0), value)
    return [now - value for value in newest.values()]


def _polls(page: Page) -> dict[str, float]:
    """Return the rounds of each target so far: the polls of its busiest collector."""
    most: dict[str, float] = {}
    for labels, value in page.samples("kpi_exporter_collector_polls_total"):
        most[labels["target"]] = max(most.get(labels["target"], 0), value)
    return most
