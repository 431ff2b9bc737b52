"""What one round of polls costs Neo4j, less what it costs when it is left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.collector import SourceKind
from exporter.demo.servers.process import ServerError
from tests.bench.client import Scraper, rounds
from tests.bench.machine import cpu_seconds
from tests.bench.report import Line
from tests.bench.rounds import EVERY, best, per_round
from tests.bench.world import quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_KINDS = (SourceKind.NEO4J,)
_ALONE = 10.0
_COMPILED = 300  # quick rounds of all collectors: the JVM has compiled what they use
_PATIENCE = 180.0
_QUICK = 0.2
_BEST_OF = 3


def run(world: World) -> Iterator[Line]:
    """Measure the rounds of three watched queries and eleven indexes."""
    pid = world.neo4j.process.pid
    world.say(f"letting Neo4j compile, then {_BEST_OF} windows")
    _compile(world)
    config = quickened(world.config("15s", _KINDS), _KINDS, EVERY)
    with world.exporter(config) as exporter:
        wait_for_all(exporter)
        pids = {"exporter": exporter.process.pid, "neo4j": pid}
        found = best([per_round(exporter, pids) for _ in range(_BEST_OF)])
    time.sleep(1)
    before = cpu_seconds(pid)
    time.sleep(_ALONE)
    alone = (cpu_seconds(pid) - before) / _ALONE * EVERY * 1e3
    note = f"{alone:.1f} more when left alone, subtracted"
    what = "Neo4j CPU per round, 3 watched queries"
    yield Line(what, max(0.0, found["neo4j"] - alone), "ms", most=10.0, note=note)
    yield Line("exporter CPU per round: Neo4j", found["exporter"], "ms")


def _compile(world: World) -> None:
    """Poll until Neo4j has compiled what polls use, as it has after a day of them.

    What is rarely read is read in each round or, as the budget has it, each fourth one;
    else a window would hold the compiling of it, which no later day has. Raises
    ServerError when the rounds do not come.
    """
    config = quickened(world.config("15s", _KINDS), _KINDS, _QUICK)
    for target in config[SourceKind.NEO4J].values():
        often = {"interval": f"{_QUICK:g}s"}
        target |= {"collectors": dict.fromkeys(target["collectors"], often)}
    deadline = time.monotonic() + _PATIENCE
    with world.exporter(config) as exporter, Scraper(exporter.port) as scraper:
        while max(rounds(scraper.text()).values()) < _COMPILED:
            if time.monotonic() > deadline:
                raise ServerError(f"no {_COMPILED} rounds:\n{exporter.log[-2000:]}")
            time.sleep(1)
