"""How many bytes each server sends us per round."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from exporter.collector import SourceKind
from tests.bench.client import Scraper, beat, rounds
from tests.bench.report import Line
from tests.bench.rounds import EVERY
from tests.bench.tap import Tap
from tests.bench.world import quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_KINDS = (SourceKind.POSTGRES, SourceKind.REDIS, SourceKind.NEO4J)
_ROUNDS = 20


def run(world: World) -> Iterator[Line]:
    """Poll each server through a proxy that counts."""
    world.say(f"counting bytes over {_ROUNDS} rounds")
    with ExitStack() as stack:
        ports = (world.postgres.port, world.redis.port, world.neo4j.port)
        taps = {
            kind: stack.enter_context(Tap(port))
            for kind, port in zip(_KINDS, ports, strict=True)
        }
        make = (world.postgres_target, world.redis_target, world.neo4j_target)
        config = {
            str(kind): {f"the-{kind}": target(taps[kind].port)}
            for kind, target in zip(_KINDS, make, strict=True)
        }
        exporter = stack.enter_context(world.exporter(quickened(config, _KINDS, EVERY)))
        wait_for_all(exporter)
        with Scraper(exporter.port) as scraper:
            begun = rounds(scraper.text())
            before = {kind: tap.received for kind, tap in taps.items()}
            for _ in beat(EVERY, _ROUNDS):
                scraper.fetch()
            ended = rounds(scraper.text())
        for kind, tap in taps.items():
            done = ended[f"the-{kind}"] - begun[f"the-{kind}"]
            received = (tap.received - before[kind]) / done
            yield Line(f"bytes per round from {kind}", round(received), "bytes")
