"""A thousand polls leave the store as it was; what changes under us does no harm."""

from __future__ import annotations

import asyncio
import itertools
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from exporter import collectors
from exporter.collector import SourceKind
from exporter.collectors import neo4j_plans, neo4j_schema
from tests.integration.neo4j_fixtures import (
    ask,
    collect,
    our_connections,
    reading,
)

if TYPE_CHECKING:
    from exporter.demo.servers.neo4j import Neo4jServer
    from tests.unit.sampled import Values

POLLS = 1000
PLANS = [
    {
        "name": "by-x",
        "cypher": "MATCH (n:Kept) WHERE n.x = $x RETURN n",
        "parameters": {"x": 7},
        "profile": True,
        "must_seek": True,
    },
    {"name": "all", "cypher": "MATCH (n:Kept) RETURN n.x", "profile": True},
]
TEN_MILLION = "UNWIND range(1, 10000000) AS i RETURN i"


def fill(server: Neo4jServer) -> None:
    ask(server, "UNWIND range(1, 500) AS i CREATE (:Kept {x: i})-[:TO]->(:Other)")
    ask(server, "CREATE INDEX kept FOR (n:Kept) ON (n.x)")
    ask(server, "CALL db.awaitIndex('kept')")


def store(server: Neo4jServer) -> list[object]:
    """Return what any write would change: all data and names, and the log of writes."""
    folder = server.folder / "data" / "transactions"
    logs = {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("neostore.transaction.db.*"))
    }
    return [
        ask(server, "MATCH (n) RETURN labels(n) AS l, properties(n) AS p ORDER BY p.x"),
        ask(server, "MATCH ()-[r]->() RETURN type(r) AS t, count(*) AS c"),
        ask(server, "SHOW INDEXES YIELD name, state, type"),
        ask(server, "SHOW CONSTRAINTS YIELD name"),
        ask(server, "CALL db.labels() YIELD label RETURN label ORDER BY label"),
        ask(server, "CALL db.propertyKeys() YIELD propertyKey AS k RETURN k"),
        logs,
    ]


async def test_a_thousand_polls_write_nothing_and_leave_nothing_behind(
    neo4j_server: Neo4jServer,
) -> None:
    fill(neo4j_server)
    before = store(neo4j_server)
    every = collectors.load(SourceKind.NEO4J)
    states = {one.name: one.state() for one in every}
    settings = {"queries": PLANS, "query_set": "ultimate-mcp", "timeout": "12s"}
    async with reading(neo4j_server, **settings) as source:
        for one in itertools.islice(itertools.cycle(every), POLLS):
            await collect(source, one, states[one.name])
        assert our_connections(neo4j_server) == source.opened == 1
    assert store(neo4j_server) == before


async def test_that_a_write_would_be_noticed(neo4j_server: Neo4jServer) -> None:
    fill(neo4j_server)
    before = store(neo4j_server)
    for value in (-1, 1):
        ask(neo4j_server, "MATCH (n:Kept {x: -$x}) SET n.x = $x", x=value)
    after = store(neo4j_server)
    assert [was == now for was, now in zip(before, after, strict=True)] == [
        *([True] * 6),
        False,
    ]


def status(found: Values) -> dict[str | None, str | None]:
    return {key[0]: key[1] for key, v in found["neo4j_plan_status"].items() if v}


async def test_a_query_that_becomes_a_write_by_a_new_configuration_is_not_run(
    neo4j_server: Neo4jServer,
) -> None:
    fill(neo4j_server)
    before = store(neo4j_server)
    query = {"name": "q", "cypher": "MATCH (n:Kept) RETURN n", "profile": True}
    async with reading(neo4j_server, queries=[query]) as source:
        assert status(await collect(source, neo4j_plans.COLLECTOR)) == {"q": "ok"}
    changed = {**query, "cypher": "MATCH (n:Kept) SET n.x = 0 RETURN n"}
    async with reading(neo4j_server, queries=[changed]) as source:
        found = await collect(source, neo4j_plans.COLLECTOR)
    assert status(found) == {"q": "refused_not_read"}
    assert store(neo4j_server) == before


async def test_a_query_of_ten_million_rows_is_cut_short_and_the_others_go_on(
    neo4j_server: Neo4jServer,
) -> None:
    queries = [
        {"name": "endless", "cypher": TEN_MILLION, "profile": True},
        {"name": "honest", "cypher": "RETURN 1 AS one", "profile": True},
    ]
    async with reading(neo4j_server, queries=queries) as source:
        found = await collect(source, neo4j_plans.COLLECTOR)
        assert our_connections(neo4j_server) == 1
    # Too many rows, or while they are thrown away too late: that is up to the machine.
    assert status(found)["endless"] in {"profile_failed", "profile_timeout"}
    assert status(found)["honest"] == "ok"


async def test_an_index_that_comes_and_goes_while_we_profile_breaks_no_poll(
    neo4j_server: Neo4jServer,
) -> None:
    fill(neo4j_server)
    scans: set[float] = set()

    def come_and_go() -> None:
        patience = time.monotonic() + 30
        while scans < {0, 1} and time.monotonic() < patience:
            ask(neo4j_server, "DROP INDEX kept")
            ask(neo4j_server, "CREATE INDEX kept FOR (n:Kept) ON (n.x)")
            ask(neo4j_server, "CALL db.awaitIndex('kept')")

    state = neo4j_plans.COLLECTOR.state()
    async with reading(neo4j_server, queries=PLANS[:1]) as source:
        changing = asyncio.create_task(asyncio.to_thread(come_and_go))
        while not changing.done():
            found = await collect(source, neo4j_plans.COLLECTOR, state)
            assert status(found) == {"by-x": "ok"}
            scans.add(found["neo4j_plan_scan"]["by-x",])
        await changing
        found = await collect(source, neo4j_plans.COLLECTOR, state)
        assert our_connections(neo4j_server) == source.opened == 1
    assert scans == {0, 1}
    assert found["neo4j_plan_scan"] == {("by-x",): 0}


async def test_a_constraint_that_is_dropped_is_missed_at_the_next_poll(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, "CREATE CONSTRAINT k_id FOR (n:K) REQUIRE n.id IS UNIQUE")
    async with reading(neo4j_server) as source:
        before = await collect(source, neo4j_schema.COLLECTOR)
        ask(neo4j_server, "DROP CONSTRAINT k_id")
        after = await collect(source, neo4j_schema.COLLECTOR)
    assert before["neo4j_constraints"] == {("neo4j", "uniqueness"): 1}
    assert "neo4j_constraints" not in after
