"""Where the exporter's CPU time of a round goes, by layer: rounds under cProfile."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from exporter import collectors
from exporter.collector import SourceKind
from exporter.config_load import load
from exporter.snapshot import Snapshot
from exporter.sources import source_of
from exporter.target import Clock, TargetPoller
from tests.bench.report import Line
from tests.bench.world import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_KINDS = (SourceKind.POSTGRES, SourceKind.REDIS, SourceKind.HOST)
_WARM_UP = 10
_ROUNDS = 50
_LEAST = 0.5  # per cent of the time, below which a layer is not worth a line
_LAYERS = (  # the first whose text is in a file's path
    ("exporter/collectors/", "collectors: rows to samples"),
    ("exporter/state.py", "collectors: rows to samples"),
    ("exporter/metrics.py", "collectors: rows to samples"),
    ("exporter/exposition.py", "rendering"),
    ("exporter/snapshot.py", "joining and compressing pages"),
    ("gzip.py", "joining and compressing pages"),
    ("exporter/sources/", "sources: reading"),
    ("exporter/", "rounds and health"),
    ("/psycopg", "driver of PostgreSQL"),
    ("/redis/", "driver of Redis"),
    ("/psutil/", "psutil"),
    ("/asyncio/", "event loop"),
    ("/selectors.py", "event loop"),
)


def run(world: World) -> Iterator[Line]:
    """Run rounds back to back in this process, once timed and once profiled."""
    world.say(f"{_ROUNDS} rounds in one go, timed and then profiled")
    profile = cProfile.Profile()
    spent = asyncio.run(_rounds(world, profile))
    yield Line("exporter CPU per round, back to back", spent * 1e3, "ms")
    layers = _layers(pstats.Stats(profile))
    total = layers.total()
    for layer, seconds in layers.most_common():
        if (share := seconds / total * 100) >= _LEAST:
            yield Line(f"  of it {layer}", share, "%")


class _Ahead:
    """A clock on which every round is one interval after the last, without waiting."""

    def __init__(self) -> None:
        self.rounds = 0

    def monotonic(self) -> float:
        return time.monotonic() + self.rounds * STANDARD

    def clock(self) -> Clock:
        return Clock(self.monotonic, lambda: time.time() + self.rounds * STANDARD)


async def _rounds(world: World, profile: cProfile.Profile) -> float:
    """Return the CPU seconds of a round that is not profiled."""
    ahead, snapshot = _Ahead(), Snapshot()
    pollers = [
        TargetPoller(
            source_of(target), collectors.load(target.kind), snapshot, ahead.clock()
        )
        for target in load(None, world.config("15s", _KINDS)).targets
    ]

    async def run(count: int) -> None:
        for _ in range(count):
            ahead.rounds += 1
            for poller in pollers:
                await poller.round()
            _ = snapshot.page().gzip

    try:
        await run(_WARM_UP)
        begun = time.process_time()
        await run(_ROUNDS)
        spent = time.process_time() - begun
        with profile:
            await run(_ROUNDS)
    finally:
        for poller in pollers:
            await poller.close()
    return spent / _ROUNDS


def _layers(stats: pstats.Stats) -> Counter[str]:
    """Add up seconds by layer; what is built in counts to whoever called it."""
    layers: Counter[str] = Counter()
    table: dict[tuple[str, int, str], Any] = stats.stats  # type: ignore[attr-defined]  # typeshed leaves it out
    for (file, _, name), (_, _, own, _, callers) in table.items():
        if file != "~":
            layers[_layer(file)] += own
        elif "select.epoll" not in name:
            for (caller, _, _), (_, _, part, _) in callers.items():
                layers[_layer(caller)] += part
    return layers


def _layer(file: str) -> str:
    return next((layer for text, layer in _LAYERS if text in file), "the rest")
