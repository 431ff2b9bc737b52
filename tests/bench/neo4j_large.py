"""What a poll costs a Neo4j with 200 indexes and 200 open transactions."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import neo4j

from exporter import collectors
from exporter.collector import SourceKind
from exporter.config import Neo4jTarget
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.exposition import Renderer
from exporter.poll import Failure, poll
from exporter.sources.neo4j import Neo4jSource
from tests.bench.machine import cpu_seconds
from tests.bench.report import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.collector import AnyCollector
    from tests.bench.world import World

INDEXES = 200
TRANSACTIONS = 200
_WARM_UP = 150  # rounds, until the JVM has compiled what they use
_ROUNDS = 60
_FEW = 8  # rounds in which the server need not collect garbage
_BEST_OF = 3
_HEAP = """
CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes AS memory
CALL dbms.queryJmx('java.lang:type=GarbageCollector,name=*') YIELD attributes AS gc
RETURN memory.HeapMemoryUsage.value.properties.used AS used,
  sum(gc.CollectionCount.value) AS collected"""


class _Large(Neo4jServer):
    # Each transaction reserves 2 MiB, and 70 % of the heap is for them.
    heap = "1g"


class Spent(NamedTuple):
    """What one round cost: milliseconds of CPU, and KiB of the server's heap."""

    server: float
    exporter: float
    wall: float
    heap: float | None
    series: int


def run(world: World) -> Iterator[Line]:
    """Measure every collector alone, then the round that is run every 15 seconds."""
    server = _Large(world.folder / "neo4j-large")
    world.say(f"starting Neo4j: {INDEXES} indexes, {TRANSACTIONS} open transactions")
    try:
        server.start()
        yield from asyncio.run(_measure(world, server))
    finally:
        server.stop()


async def _measure(world: World, server: Neo4jServer) -> list[Line]:
    login = (server.user, server.password)
    driver = neo4j.AsyncGraphDatabase.driver(
        server.uri, auth=login, max_connection_pool_size=TRANSACTIONS + 10
    )
    password = world.folder / "neo4j-large-password"
    password.write_text(server.password, "utf-8")
    target = {"uri": server.uri, "user": server.user, "password_file": password}
    source = Neo4jSource(Neo4jTarget.model_validate({**target, "timeout": "10s"}))
    async with driver:
        await _fill(driver)
        opened = [await _open(driver, number) for number in range(TRANSACTIONS)]
        try:
            await source.connect(10)
            return await _lines(world, server, driver, source)
        finally:
            await source.close()
            for session, transaction in opened:
                await transaction.close()
                await session.close()


async def _fill(driver: neo4j.AsyncDriver) -> None:
    await driver.execute_query(
        "UNWIND range(1, 20000) AS i CREATE (:Node {a: i, b: i % 10})"
    )
    for number in range(INDEXES):
        await driver.execute_query(f"CREATE INDEX FOR (n:Label{number}) ON (n.a, n.b)")
    await driver.execute_query("CALL db.awaitIndexes(300)")


async def _open(driver: neo4j.AsyncDriver, number: int) -> tuple[Any, Any]:
    session = driver.session()
    transaction = await session.begin_transaction()
    await (await transaction.run("MATCH (n:Node {a: $a}) RETURN n", a=number)).consume()
    return session, transaction


async def _lines(
    world: World, server: Neo4jServer, driver: neo4j.AsyncDriver, source: Neo4jSource
) -> list[Line]:
    every = [one for one in collectors.load(SourceKind.NEO4J) if one.name != "plans"]
    usual = [one for one in every if one.interval is None]
    world.say(f"letting Neo4j compile: {_WARM_UP} rounds")
    states = {one.name: one.state() for one in every}
    for _ in range(_WARM_UP):
        await _round(source, every, states)
    named = {"round of 15 s": usual, **{one.name: [one] for one in every}}
    lines = []
    for name, chosen in named.items():
        found = [
            await _spent(server, driver, source, (chosen, states))
            for _ in range(_BEST_OF)
        ]
        best = min(found, key=lambda one: one.server)
        heaps = [one.heap for one in found if one.heap is not None]
        note = f"{best.series} series; exporter {best.exporter:.1f} ms"
        note += f"; {min(heaps):,.0f} KiB of heap" if heaps else ""
        lines.append(Line(f"Neo4j CPU, {name}", best.server, "ms", note=note))
    return lines


async def _spent(
    server: Neo4jServer,
    driver: neo4j.AsyncDriver,
    source: Neo4jSource,
    work: tuple[Sequence[AnyCollector], dict[str, Any]],
) -> Spent:
    """Run some rounds and say what each took."""
    heap = await _allocated(driver, source, work)
    cpu, own, begun = (
        cpu_seconds(server.process.pid),
        time.process_time(),
        time.monotonic(),
    )
    series = 0
    for _ in range(_ROUNDS):
        series = await _round(source, *work)
    wall, spent = time.monotonic() - begun, time.process_time() - own
    cpu = cpu_seconds(server.process.pid) - cpu
    each = 1e3 / _ROUNDS
    return Spent(cpu * each, spent * each, wall * each, heap, series)


async def _allocated(
    driver: neo4j.AsyncDriver,
    source: Neo4jSource,
    work: tuple[Sequence[AnyCollector], dict[str, Any]],
) -> float | None:
    """Return the KiB of heap that a round takes; None where garbage was collected."""
    before = await _heap(driver)
    for _ in range(_FEW):
        await _round(source, *work)
    after = await _heap(driver)
    return (after[0] - before[0]) / _FEW / 1024 if after[1] == before[1] else None


async def _heap(driver: neo4j.AsyncDriver) -> tuple[int, int]:
    answer = await driver.execute_query(_HEAP)
    return answer.records[0]["used"], answer.records[0]["collected"]


async def _round(
    source: Neo4jSource, chosen: Sequence[AnyCollector], states: dict[str, Any]
) -> int:
    series = 0
    await source.connect(10)
    for one in chosen:
        outcome = await poll(one, source, states[one.name], Renderer("large", 5000))
        if isinstance(outcome.result, Failure):
            raise TypeError(f"{one.name}: {outcome.result.message}")
        series += outcome.result.series
    return series
