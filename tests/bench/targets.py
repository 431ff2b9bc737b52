"""One process that polls 100 PostgreSQL targets, then as often as 500 would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collector import SourceKind
from tests.bench.client import Scraper, beat, values
from tests.bench.machine import cpu_seconds, resident_mib
from tests.bench.report import Line
from tests.bench.world import STANDARD, quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World
    from tests.integration.exporter_process import ExporterProcess

_SKIPPED = "kpi_exporter_collector_skipped_total"
_TARGETS = 100
_KINDS = (SourceKind.POSTGRES,)
_FIVEFOLD = STANDARD / 5  # 100 targets every 3 s are as many polls as 500 every 15 s
_ROUNDS = 4


def run(world: World) -> Iterator[Line]:
    """Measure the real rhythm, then the fivefold one."""
    config = _config(world)
    for every, most in ((STANDARD, 20.0), (_FIVEFOLD, None)):
        stands_for = round(_TARGETS * STANDARD / every)
        world.say(f"{_TARGETS} targets every {every:g} s: {(_ROUNDS + 2) * every:g} s")
        what = f"{stands_for} PostgreSQL targets every {STANDARD:g} s"
        if every != STANDARD:
            what = f"{what} ({_TARGETS} every {every:g} s)"
        with world.exporter(quickened(config, _KINDS, every)) as exporter:
            wait_for_all(exporter)
            found = _measure(exporter, every)
            yield Line(f"{what}: share of a core", found["share"], "%", most=most)
            yield Line(f"{what}: late polls", found["late"], "", exactly=0)
            yield Line(f"{what}: memory", resident_mib(exporter.process.pid), "MiB")


def _measure(exporter: ExporterProcess, every: float) -> dict[str, float]:
    """Scrape at the poll interval; the first rounds are for settling."""
    pid = exporter.process.pid
    with Scraper(exporter.port) as scraper:
        for turn in beat(every, _ROUNDS + 2):
            skipped = sum(values(scraper.text(), _SKIPPED).values())
            if turn == 1:
                before, early = cpu_seconds(pid), skipped
        spent = cpu_seconds(pid) - before
    return {"share": spent / (_ROUNDS * every) * 100, "late": skipped - early}


def _config(world: World) -> dict[str, Any]:
    """Let every target read the same database, which has thousands of statements."""
    one = {**world.postgres_target(), "databases": {"include": ["shop"]}}
    return {"postgres": {f"tenant_{number}": one for number in range(_TARGETS)}}
