"""What runs on a real server, who runs it, and how much was begun."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neo4j import GraphDatabase

from exporter.collectors import (
    neo4j_canary,
    neo4j_connections,
    neo4j_graph,
    neo4j_indexes,
    neo4j_jvm,
    neo4j_schema,
    neo4j_settings,
    neo4j_transactions,
)
from tests.integration.neo4j_fixtures import (
    DEADLINE,
    ask,
    collect,
    reading,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neo4j import Driver

    from exporter.collector import AnyCollector
    from exporter.demo.servers.neo4j import Neo4jServer
    from exporter.sources.neo4j import Neo4jSource
    from tests.unit.sampled import Values

LOCKING = "MATCH (n:Locked) SET n.x = n.x + 1"


@contextmanager
def client(server: Neo4jServer, agent: str) -> Iterator[Driver]:
    """Be an application that calls itself `agent`."""
    login = (server.user, server.password)
    with GraphDatabase.driver(server.uri, auth=login, user_agent=agent) as driver:
        yield driver


async def inspected(source: Neo4jSource, collector: AnyCollector) -> list[str]:
    await source.connect(DEADLINE)
    assert collector.inspect is not None
    return [one.missing for one in await source.run(collector.inspect, DEADLINE)]


async def test_a_server_that_only_we_use_has_no_transactions_connections_or_throughput(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        state = neo4j_transactions.COLLECTOR.state()
        accepted = neo4j_connections.COLLECTOR.state()
        for _ in range(5):
            found = await collect(source, neo4j_transactions.COLLECTOR, state)
            await collect(source, neo4j_canary.COLLECTOR)
            clients = await collect(source, neo4j_connections.COLLECTOR, accepted)
        assert await inspected(source, neo4j_transactions.COLLECTOR) == []
        assert await inspected(source, neo4j_connections.COLLECTOR) == []
    assert set(found["neo4j_transactions"].values()) == {0}
    assert found["neo4j_transactions_begun_total"] == {("neo4j",): 0}
    assert found["neo4j_queries_total"] == {(): 0}
    assert clients.get("neo4j_connections") is None
    assert clients["neo4j_connections_accepted_total"] == {(): 0}


async def test_what_an_application_sends_is_counted_and_nothing_else(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        state = neo4j_transactions.COLLECTOR.state()
        accepted = neo4j_connections.COLLECTOR.state()
        await collect(source, neo4j_transactions.COLLECTOR, state)
        await collect(source, neo4j_connections.COLLECTOR, accepted)
        with client(neo4j_server, "shop/2.1") as driver, driver.session() as session:
            for _ in range(40):
                session.run("RETURN 1").consume()
            found = await collect(source, neo4j_transactions.COLLECTOR, state)
            clients = await collect(source, neo4j_connections.COLLECTOR, accepted)
    assert found["neo4j_transactions_begun_total"] == {("neo4j",): 40}
    assert found["neo4j_queries_total"] == {(): 40}
    assert clients["neo4j_connections"] == {("bolt", "shop/2"): 1}
    assert clients["neo4j_connections_accepted_total"] == {(): 1}


async def test_who_holds_a_lock_and_who_waits_for_it_are_told(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, "CREATE (:Locked {x: 1})")
    with (
        client(neo4j_server, "migration/1.0") as one,
        client(neo4j_server, "shop/2.1") as two,
        one.session() as session,
        session.begin_transaction() as holder,
    ):
        holder.run(LOCKING).consume()
        waiting = asyncio.create_task(asyncio.to_thread(two.execute_query, LOCKING))
        await until(lambda: blocked(neo4j_server) == 1)
        async with reading(neo4j_server) as source:
            found = await collect(source, neo4j_transactions.COLLECTOR)
        holder.rollback()
        await waiting
    assert busy(found) == {"idle": 1, "blocked": 1}
    ages = found["neo4j_transactions_longest_seconds"]
    assert set(ages) == {
        ("neo4j", "idle", "migration/1"),
        ("neo4j", "blocked", "shop/2"),
    }
    assert found["neo4j_transactions_blocking"] == {("neo4j", "migration/1"): 1}
    assert found["neo4j_transactions_longest_wait_seconds"]["neo4j",] > 0
    memory = found["neo4j_transactions_memory_bytes"]
    assert memory["neo4j", "migration/1"] >= 2**21
    assert memory["neo4j", "shop/2"] >= 2**21
    assert memory["neo4j", "other"] == 0
    assert found["neo4j_transaction_age_seconds_count"] == {("neo4j",): 2}


def busy(found: Values) -> dict[str | None, float]:
    return {key[1]: v for key, v in found["neo4j_transactions"].items() if v}


def blocked(server: Neo4jServer) -> int:
    rows = ask(server, "SHOW TRANSACTIONS YIELD status")
    return sum(row["status"].startswith("Blocked") for row in rows)


async def test_the_graph_its_schema_and_its_limits_are_counted(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, "UNWIND range(1, 30) AS i CREATE (:K {a: i, b: i})-[:R]->(:L)")
    ask(neo4j_server, "CREATE INDEX k_ab FOR (n:K) ON (n.a, n.b)")
    ask(neo4j_server, "CREATE INDEX k_ba FOR (n:K) ON (n.b, n.a)")
    ask(neo4j_server, "CREATE CONSTRAINT l_id FOR (n:L) REQUIRE n.id IS UNIQUE")
    ask(neo4j_server, "CALL db.awaitIndexes(60)")
    async with reading(neo4j_server) as source:
        graph = await collect(source, neo4j_graph.COLLECTOR)
        schema = await collect(source, neo4j_schema.COLLECTOR)
        settings = await collect(source, neo4j_settings.COLLECTOR)
        missing = await inspected(source, neo4j_schema.COLLECTOR)
    assert graph["neo4j_database_nodes"] == {("neo4j",): 60}
    assert graph["neo4j_nodes"]["neo4j", "K"] == 30
    assert graph["neo4j_relationships"]["neo4j", "R"] == 30
    assert graph["neo4j_index_entries"]["neo4j", "K", "a,b", "range"] == 30
    assert schema["neo4j_indexes"]["neo4j", "range", "online"] == 3
    assert schema["neo4j_constraints"] == {("neo4j", "uniqueness"): 1}
    assert schema["neo4j_index_twin"] == {("neo4j", "k_ba", "k_ab"): 1}
    assert missing == ["index k_ba is on the same properties as k_ab"]
    assert settings["neo4j_bolt_threads_max"] == {(): 400}
    assert settings["neo4j_page_cache_size_bytes"] == {(): 2**26}


async def test_round_trips_are_measured(neo4j_server: Neo4jServer) -> None:
    async with reading(neo4j_server) as source:
        state = neo4j_canary.COLLECTOR.state()
        for _ in range(3):
            found = await collect(source, neo4j_canary.COLLECTOR, state)
    assert found["neo4j_canary_duration_seconds_count"] == {(): 3}
    assert 0 < found["neo4j_canary_duration_seconds_sum"][()] < 3 * DEADLINE


async def test_the_query_that_a_round_begins_with_is_measured_and_not_sent_twice(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        await source.connect(DEADLINE)
        sent = source.queries
        times = [await source.run(neo4j_canary.read, DEADLINE) for _ in range(2)]
    assert source.queries - sent == 1
    assert times[0] != times[1]


async def test_when_the_server_started_is_asked_once_on_a_connection(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        first = await collect(source, neo4j_jvm.COLLECTOR)
        sent = source.queries
        second = await collect(source, neo4j_jvm.COLLECTOR)
    start = "neo4j_jvm_start_time_seconds"
    assert source.queries - sent == 2
    assert first[start] == second[start] != {}


async def test_what_several_collectors_look_at_is_read_once_in_a_round(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, "CREATE INDEX k_a FOR (n:K) ON (n.a)")
    async with reading(neo4j_server) as source:
        first = await collect(source, neo4j_indexes.COLLECTOR)
        sent = source.queries
        (schema,) = (await source.run(neo4j_schema.read, DEADLINE)).values()
        assert source.queries - sent == 1  # the constraints
        ask(neo4j_server, "DROP INDEX k_a")
        later = await collect(source, neo4j_indexes.COLLECTOR)
    gone = {key[1] for key in first["neo4j_index_info"]} - {
        key[1] for key in later["neo4j_index_info"]
    }
    assert gone == {"k_a"}
    assert "k_a" in {row.name for row in schema.indexes}


async def test_who_runs_a_transaction_is_not_asked_again_in_a_round(
    neo4j_server: Neo4jServer,
) -> None:
    with client(neo4j_server, "shop/2.1") as driver, driver.session() as session:
        session.begin_transaction().run("RETURN 1").consume()
        async with reading(neo4j_server) as source:
            await collect(source, neo4j_transactions.COLLECTOR)  # learns the columns
            await collect(source, neo4j_connections.COLLECTOR)
            sent = source.queries
            found = await source.run(neo4j_transactions.read, DEADLINE)
            assert source.queries - sent == 1
    assert "shop/2.1" in {one.agent for one in found.clients}
