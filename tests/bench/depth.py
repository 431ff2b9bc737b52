"""What a round of all PostgreSQL collectors costs, and postgres_exporter's scrape."""

from __future__ import annotations

import contextlib
import gzip
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from exporter.collector import SourceKind
from tests.bench import rivals
from tests.bench.client import Scraper, beat, rounds, samples, values
from tests.bench.machine import cpu_seconds
from tests.bench.report import Line
from tests.bench.tap import Tap
from tests.bench.world import STATEMENTS, TABLES, quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World
    from tests.integration.exporter_process import ExporterProcess

_MORE_TABLES = 100
_SESSIONS = 200
_BUSY = 5  # of the sessions are in a transaction
_EVERY = 1.0  # seconds between rounds, instead of 15
_WARM_UP = 5
_ROUNDS = 80  # in which the rarest collector, one round in 40, has two turns
_SCRAPES = 20
_ALONE = 10.0
_BEST_OF = 2
_KINDS = (SourceKind.POSTGRES,)
_SERIES = "kpi_exporter_series"
_LOAD = (
    f"{STATEMENTS:,} statements, {TABLES + _MORE_TABLES} tables, {_SESSIONS} sessions"
)


class Cost(NamedTuple):
    """What one round, or one scrape, costs: CPU milliseconds, and bytes; and gives."""

    server: float
    exporter: float
    received: float
    series: float


def run(world: World) -> Iterator[Line]:
    """Measure ours and theirs in turn, in one run on one server."""
    ours, theirs = [], []
    with _crowd(world), Tap(world.postgres.port) as tap:
        alone = _alone(world)
        for turn in range(_BEST_OF):
            world.say(f"{_ROUNDS} rounds with {_LOAD}, {turn + 1} of {_BEST_OF}")
            ours.append(_ours(world, tap))
            if rivals.POSTGRES in world.present:
                theirs.append(_theirs(world, tap))
    yield from _lines("all PostgreSQL collectors", ours, alone, "round")
    if theirs:
        yield from _lines(rivals.POSTGRES, theirs, alone, "scrape")


def _lines(who: str, found: list[Cost], alone: float, turn: str) -> Iterator[Line]:
    """Report the least of each; what the server does alone is taken off."""
    least = Cost(*map(min, zip(*found, strict=True)))
    own = turn == "round"
    idle = alone * (_EVERY if own else 1.0)
    what = f"PostgreSQL CPU per {turn} of {who}"
    note = f"{_LOAD}; {idle:.1f} more when left alone, subtracted"
    aim = 20.0 if own else None
    yield Line(what, max(0.0, least.server - idle), "ms", most=aim, note=note)
    yield Line(f"bytes from PostgreSQL per {turn} of {who}", least.received, "B")
    yield Line(f"CPU of {who} per {turn}", least.exporter, "ms")
    yield Line(f"series of {who}", least.series, "")


def _ours(world: World, tap: Tap) -> Cost:
    config: dict[str, Any] = {"postgres": {"depth": world.postgres_target(tap.port)}}
    with world.exporter(quickened(config, _KINDS, _EVERY)) as exporter:
        wait_for_all(exporter)
        return _rounds(world, tap, exporter)


def _rounds(world: World, tap: Tap, exporter: ExporterProcess) -> Cost:
    with Scraper(exporter.port) as scraper:
        for _ in beat(_EVERY, _WARM_UP):
            scraper.fetch()
        begun, before = rounds(scraper.text()), _spent(world, tap, exporter.process.pid)
        for _ in beat(_EVERY, _ROUNDS):
            scraper.fetch()
        after, page = _spent(world, tap, exporter.process.pid), scraper.text()
    done = sum(rounds(page).values()) - sum(begun.values())
    server, ours, received = (
        (late - early) / done for late, early in zip(after, before, strict=True)
    )
    return Cost(server * 1e3, ours * 1e3, received, sum(values(page, _SERIES).values()))


def _theirs(world: World, tap: Tap) -> Cost:
    with rivals.Rivals(world, {rivals.POSTGRES}, port=tap.port) as (rival,):
        for _ in beat(1.0, 3):
            page = gzip.decompress(rival.scrape())
        before = _spent(world, tap, rival.pid)
        for _ in beat(1.0, _SCRAPES):
            rival.scrape()
        after = _spent(world, tap, rival.pid)
    server, theirs, received = (
        (late - early) / _SCRAPES for late, early in zip(after, before, strict=True)
    )
    return Cost(server * 1e3, theirs * 1e3, received, samples(page.decode()))


def _spent(world: World, tap: Tap, pid: int) -> tuple[float, float, float]:
    server = cpu_seconds(world.postgres.process.pid)
    return server, cpu_seconds(pid), float(tap.received)


def _alone(world: World) -> float:
    """Return the CPU milliseconds a second of the server that nobody asks."""
    pid = world.postgres.process.pid
    before = cpu_seconds(pid)
    time.sleep(_ALONE)
    return (cpu_seconds(pid) - before) / _ALONE * 1e3


@contextlib.contextmanager
def _crowd(world: World) -> Iterator[None]:
    """Add tables with rows and an index, and sessions, for a while."""
    dsn = world.postgres.dsn("shop")
    names = [f"more_{number}" for number in range(_MORE_TABLES)]
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        for name in names:
            session.execute(
                f"CREATE TABLE {name} AS SELECT n AS id, 'x' AS note"
                " FROM generate_series(1, 500) n".encode()
            )
            session.execute(f"CREATE INDEX ON {name} (id)".encode())
        for number in range(_SESSIONS):
            client = stack.enter_context(
                psycopg.connect(dsn, autocommit=number >= _BUSY)
            )
            client.execute("SELECT 1")
        yield
        stack.pop_all().close()
        with psycopg.connect(dsn, autocommit=True) as owner:
            for name in names:
                owner.execute(f"DROP TABLE {name}".encode())
