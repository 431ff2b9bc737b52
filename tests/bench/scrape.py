"""How long a scrape of the whole page takes: healthy, frozen, and 200 at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from exporter.collector import SourceKind
from tests.bench.client import Scraper, burst, quantile, samples
from tests.bench.machine import peak_mib, reset_peak, resident_mib
from tests.bench.nginx import NEED, Nginx
from tests.bench.report import Line
from tests.bench.world import wait_for_all

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.bench.world import World
    from tests.integration.exporter_process import ExporterProcess

_KINDS = tuple(SourceKind)
_WINDOWS = 3
_WINDOW = 15.0  # seconds: one whole poll interval
_PAUSE = 0.01
_SCRAPERS = 200
_SAMPLES = 5000
_CODINGS = {"gzip": True, "plain": False}


def run(world: World) -> Iterator[Line]:
    """Measure the page of four sources."""
    config = world.config("15s", _KINDS)
    with world.exporter(config) as exporter:
        wait_for_all(exporter)
        yield from _page(exporter)
        healthy = yield from _healthy(world, exporter)
        yield from _burst(world, exporter)
        yield from _frozen(world, exporter, healthy)


def _page(exporter: ExporterProcess) -> Iterator[Line]:
    with Scraper(exporter.port, compressed=False) as scraper:
        page = scraper.text()
    with Scraper(exporter.port) as scraper:
        compressed = len(scraper.fetch())
    note = f"{len(page):,} bytes, {compressed:,} gzipped; meant is {_SAMPLES:,}"
    yield Line("page of four sources", samples(page), "samples", note=note)


def _healthy(
    world: World, exporter: ExporterProcess
) -> Generator[Line, None, dict[str, float]]:
    """Return the 99th percentile per coding."""
    page = exporter.get("/metrics").text.encode()
    ports = {"kpi-exporter": exporter.port}
    with ExitStack() as stack:
        if NEED.command in world.present:
            nginx = stack.enter_context(Nginx(world.folder / "nginx", page))
            ports["nginx"] = nginx.port
        best = _best(world, ports, "")
    for (who, coding), times in best.items():
        what = f"scrape, {coding}, p99: {who}"
        note = f"p50 {quantile(times, 0.5) * 1e3:.2f}, {len(times)} scrapes"
        most = 5.0 if who == "kpi-exporter" else None
        yield Line(what, p99(times) * 1e3, "ms", most=most, note=note)
    return {coding: p99(best["kpi-exporter", coding]) for coding in _CODINGS}


def _best(
    world: World, ports: dict[str, int], state: str
) -> dict[tuple[str, str], list[float]]:
    """Return the times of the best window."""
    best: dict[tuple[str, str], list[float]] = {}
    for window in range(_WINDOWS):
        world.say(f"scraping for {_WINDOW:g} s{state}, {window + 1} of {_WINDOWS}")
        for place, times in _window(ports).items():
            if place not in best or p99(times) < p99(best[place]):
                best[place] = times
    return best


def _window(ports: dict[str, int]) -> dict[tuple[str, str], list[float]]:
    """Scrape each server in turn, both ways, over a whole poll interval."""
    with ExitStack() as stack:
        scrapers = {
            (who, coding): stack.enter_context(Scraper(port, compressed=compressed))
            for who, port in ports.items()
            for coding, compressed in _CODINGS.items()
        }
        times: dict[tuple[str, str], list[float]] = {place: [] for place in scrapers}
        end = time.monotonic() + _WINDOW
        while time.monotonic() < end:
            for place, scraper in scrapers.items():
                times[place] += scraper.time(1)
                time.sleep(_PAUSE)
    return {place: sorted(taken) for place, taken in times.items()}


def _frozen(
    world: World, exporter: ExporterProcess, healthy: dict[str, float]
) -> Iterator[Line]:
    with world.frozen():
        ports = {"kpi-exporter": exporter.port}
        frozen = _best(world, ports, " with every database frozen")
    for (_, coding), times in frozen.items():
        what = f"scrape, {coding}, p99, all databases frozen"
        yield Line(what, p99(times) * 1e3, "ms", most=10.0)
        ratio = p99(times) / healthy[coding]
        yield Line(f"scrape, {coding}, frozen to healthy", ratio, "", most=1.5)


def _burst(world: World, exporter: ExporterProcess) -> Iterator[Line]:
    pid = exporter.process.pid
    for coding, compressed in _CODINGS.items():
        world.say(f"{_SCRAPERS} scrapers at once, {coding}")
        before = resident_mib(pid)
        reset_peak(pid)
        bursts = [
            asyncio.run(burst(exporter.port, _SCRAPERS, compressed=compressed))
            for _ in range(_WINDOWS)
        ]
        what = f"{_SCRAPERS} scrapers at once, {coding}"
        answered = min(found.answered for found in bursts)
        seconds = min((found.seconds for found in bursts), key=p99)
        note = f"p50 {quantile(seconds, 0.5):.2f}"
        yield Line(f"{what}: answered", answered, "", exactly=_SCRAPERS)
        yield Line(f"{what}: p99", p99(seconds), "s", most=1.0, note=note)
        yield Line(f"{what}: memory", peak_mib(pid) - before, "MiB more", most=20.0)


def p99(ascending: list[float]) -> float:
    """Return the 99th percentile."""
    return quantile(ascending, 0.99)
