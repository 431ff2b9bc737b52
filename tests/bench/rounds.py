"""What one round of polls costs the servers and us, beside what others cost."""

from __future__ import annotations

import contextlib
import gzip
import itertools
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from exporter.collector import SourceKind
from tests.bench import rivals
from tests.bench.client import Scraper, beat, rounds, samples
from tests.bench.machine import cpu_seconds
from tests.bench.report import Line
from tests.bench.world import STATEMENTS, quickened, statements, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.bench.world import World
    from tests.integration.exporter_process import ExporterProcess

EVERY = 1.0  # seconds between rounds, instead of 15
_KINDS = (SourceKind.POSTGRES, SourceKind.REDIS, SourceKind.HOST)
_WARM_UP = 5
_ROUNDS = 20
_BEST_OF = 3
_USED = 1000  # statements that are used between two polls, where that is measured
_EXPORTER = "exporter CPU per round: PostgreSQL, Redis, host"
_POSTGRES = f"PostgreSQL CPU per round, {STATEMENTS:,} statements, 100 tables"


class Theirs(NamedTuple):
    """What a scrape of the other exporters costs: them, and the servers."""

    exporters: dict[str, float]
    servers: dict[str, float]
    samples: int


def run(world: World) -> Iterator[Line]:
    """Compare rounds of ours with scrapes of the others, in turn."""
    servers = {"postgres": world.postgres.process.pid, "redis": world.redis.process.pid}
    config = quickened(world.config("1s", _KINDS), _KINDS, EVERY)
    quiet, busy, theirs = [], [], []
    for turn in range(_BEST_OF):
        world.say(f"{_ROUNDS} rounds of every exporter, {turn + 1} of {_BEST_OF}")
        with world.exporter(config) as exporter, _application(world) as work:
            wait_for_all(exporter)
            pids = {"exporter": exporter.process.pid, **servers}
            quiet.append(per_round(exporter, pids))
            busy.append(per_round(exporter, pids, work))
        theirs.append(_theirs(world, servers))
    yield from _ours(best(quiet), best(busy))
    yield from _others(theirs)


def per_round(
    exporter: ExporterProcess,
    pids: Mapping[str, int],
    meanwhile: Callable[[], object] = tuple,
) -> dict[str, float]:
    """Return the CPU milliseconds of each process per round, one scrape included."""
    with Scraper(exporter.port) as scraper:
        for _ in beat(EVERY, _WARM_UP):
            scraper.fetch()
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        begun = rounds(scraper.text())
        for _ in beat(EVERY, _ROUNDS):
            scraper.fetch()
            meanwhile()
        after = {name: cpu_seconds(pid) for name, pid in pids.items()}
        ended = rounds(scraper.text())
    done = max(ended[target] - begun[target] for target in ended)
    return {name: (after[name] - before[name]) / done * 1e3 for name in pids}


def best(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the least of each figure."""
    return {name: min(each[name] for each in found) for name in found[0]}


def _ours(quiet: dict[str, float], busy: dict[str, float]) -> Iterator[Line]:
    yield Line(_EXPORTER, quiet["exporter"], "ms", most=36.0)
    what = f"{_EXPORTER}; {_USED:,} statements used"
    yield Line(what, busy["exporter"], "ms", most=36.0)
    yield Line(_POSTGRES, quiet["postgres"], "ms", most=20.0)
    yield Line("Redis CPU per round", quiet["redis"], "ms")


def _others(found: list[Theirs]) -> Iterator[Line]:
    exporters = best([each.exporters for each in found])
    servers = best([each.servers for each in found])
    if exporters:
        what = f"{len(exporters)} exporters of Debian: CPU per scrape"
        parts = ", ".join(f"{name} {cost:.1f}" for name, cost in exporters.items())
        note = f"{parts}; {found[0].samples:,} samples"
        yield Line(what, sum(exporters.values()), "ms", note=note)
    if rivals.POSTGRES in exporters:
        note = "with the query of stat_statements, top 100"
        what = f"PostgreSQL CPU per scrape of {rivals.POSTGRES}"
        yield Line(what, servers["postgres"], "ms", note=note)
    if rivals.REDIS in exporters:
        what = f"Redis CPU per scrape of {rivals.REDIS}"
        yield Line(what, servers["redis"], "ms")


def _theirs(world: World, servers: Mapping[str, int]) -> Theirs:
    with rivals.Rivals(world) as running:
        pids = {rival.name: rival.pid for rival in running}
        for _ in beat(EVERY, _WARM_UP):
            pages = [gzip.decompress(rival.scrape()) for rival in running]
        before = _spent(pids), _spent(servers)
        for _ in beat(EVERY, _ROUNDS):
            for rival in running:
                rival.scrape()
        after = _spent(pids), _spent(servers)
    exporters, behind = (
        {name: (late[name] - early[name]) / _ROUNDS * 1e3 for name in early}
        for early, late in zip(before, after, strict=True)
    )
    return Theirs(exporters, behind, sum(samples(page.decode()) for page in pages))


def _spent(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in pids.items()}


@contextlib.contextmanager
def _application(world: World) -> Iterator[Callable[[], None]]:
    """Give something to call that uses a thousand other statements each time."""
    known = [text.encode() for text in statements()]
    places = itertools.cycle(range(0, len(known), _USED))
    with psycopg.connect(world.postgres.dsn("shop"), autocommit=True) as connection:

        def work() -> None:
            first = next(places)
            for statement in known[first : first + _USED]:
                connection.execute(statement)

        yield work
