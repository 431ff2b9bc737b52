"""Nothing that we send changes the database, harms others or stays behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
from neo4j import GraphDatabase

from exporter.collectors import neo4j_plans
from exporter.errors import Reason, SourceError
from exporter.sources.neo4j_plan import Refusal
from tests.integration.neo4j_fixtures import (
    DEADLINE,
    ask,
    collect,
    our_connections,
    our_transactions,
    reading,
    until,
    wired,
)

if TYPE_CHECKING:
    from exporter.demo.servers.neo4j import Neo4jServer
    from exporter.sources.neo4j import Neo4jSource

ENDLESS = (
    "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b "
    "WITH a, b WHERE a + b = 1 RETURN a"
)
HIDDEN = (
    "MATCH (n:Kept) WHERE any(i IN [1] WHERE EXISTS "
    "{ CALL db.resampleIndex('kept') RETURN i AS one }) RETURN n"
)
FORBIDDEN = {
    "create": ("CREATE (:Intruder)", "refused_not_read"),
    "merge": ("MERGE (:Intruder)", "refused_not_read"),
    "set": ("MATCH (n) SET n.touched = true", "refused_not_read"),
    "delete": ("MATCH (n) DETACH DELETE n", "refused_not_read"),
    "index": ("CREATE INDEX intruder FOR (n:Intruder) ON (n.x)", "refused_not_read"),
    "read-and-write": (
        "MATCH (n:Kept) CREATE (m:Intruder) RETURN n",
        "refused_not_read",
    ),
    "label": ("CALL db.createLabel('Intruder')", "refused_not_read"),
    "clear": ("CALL db.clearQueryCaches()", "refused_not_read"),
    "resample": ("CALL db.resampleIndex('kept')", "refused_side_effects"),
    "hidden": (
        HIDDEN,
        "refused_side_effects",
    ),
    "terminate": ("TERMINATE TRANSACTION $victim", "refused_side_effects"),
    "csv": ("LOAD CSV FROM 'file:///etc/passwd' AS l RETURN l", "refused_side_effects"),
    "batches": (
        "MATCH (n) CALL (n) { RETURN 1 AS one } IN TRANSACTIONS RETURN one",
        "refused_side_effects",
    ),
    "huge": ("UNWIND range(1, 3) AS a MATCH (x), (y), (z) RETURN x", "refused_rows"),
    "profiled-twice": ("PROFILE CREATE (:Intruder)", "explain_failed"),
    "two-at-once": ("RETURN 1; CREATE (:Intruder)", "explain_failed"),
    "nonsense": ("MATCH (n RETURN n", "explain_failed"),
    "no-parameter": ("MATCH (n:Kept {x: $absent}) RETURN n", "profile_failed"),
    "too-many-rows": ("UNWIND range(1, 20000) AS i RETURN i", "profile_failed"),
}


@dataclass(frozen=True)
class Number:
    """One column."""

    n: int


async def fetching(text: str, source: Neo4jSource) -> list[Number]:
    return await source.fetch(Number, text)


def queries(victim: str) -> list[dict[str, object]]:
    known = {"victim": victim}
    forbidden = [
        {
            "name": name,
            "cypher": cypher,
            "profile": True,
            "parameters": known if "$victim" in cypher else {},
        }
        for name, (cypher, _) in FORBIDDEN.items()
    ]
    honest = {
        "name": "honest",
        "cypher": "MATCH (n:Kept) RETURN n",
        "profile": True,
    }
    return [*forbidden, honest]


def store(server: Neo4jServer) -> list[object]:
    """Return what any write would change."""
    return [
        ask(server, "MATCH (n) RETURN labels(n) AS l, properties(n) AS p ORDER BY p.x"),
        ask(server, "SHOW INDEXES YIELD name, state"),
        ask(server, "CALL db.labels() YIELD label RETURN label ORDER BY label"),
        ask(
            server, "CALL db.propertyKeys() YIELD propertyKey AS k RETURN k ORDER BY k"
        ),
    ]


async def test_queries_that_do_more_than_read_are_refused_and_leave_no_trace(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, "UNWIND range(1, 200) AS i CREATE (:Kept {x: i})")
    ask(neo4j_server, "CREATE INDEX kept FOR (n:Kept) ON (n.x)")
    ask(neo4j_server, "CALL db.awaitIndexes(60)")
    before = store(neo4j_server)
    login = (neo4j_server.user, neo4j_server.password)
    with (
        GraphDatabase.driver(neo4j_server.uri, auth=login) as driver,
        driver.session() as session,
        session.begin_transaction() as others,
    ):
        others.run("RETURN 1").consume()
        (row,) = ask(
            neo4j_server,
            "SHOW TRANSACTIONS YIELD transactionId, currentQueryId "
            "WHERE coalesce(currentQueryId, '') = '' RETURN transactionId AS id",
        )
        patient = {"queries": queries(row["id"]), "timeout": "12s"}
        async with reading(neo4j_server, **patient) as source:
            found = await collect(source, neo4j_plans.COLLECTOR)
        others.run("RETURN 2").consume()
    statuses = {key[0]: key[1] for key, v in found["neo4j_plan_status"].items() if v}
    assert statuses == {name: why for name, (_, why) in FORBIDDEN.items()} | {
        "honest": "ok"
    }
    assert found["neo4j_plan_rows"] == {("honest",): 200}
    assert store(neo4j_server) == before


@pytest.mark.parametrize(
    "text", ["CREATE (:Intruder)", "CREATE INDEX FOR (n:A) ON (n.b)"]
)
async def test_a_write_by_mistake_is_refused_by_the_server(
    neo4j_server: Neo4jServer, text: str
) -> None:
    before = store(neo4j_server)
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        with pytest.raises(SourceError) as fetched:
            await source.run(lambda s: s.fetch(Number, text), DEADLINE)
        profiled = await source.run(lambda s: s.profile(text, {}), DEADLINE)
        assert source.connections == 1
    assert (fetched.value.reason, fetched.value.answered) == (Reason.PERMISSION, True)
    assert isinstance(profiled, Refusal)
    assert profiled.reason is Reason.PERMISSION
    assert store(neo4j_server) == before


async def test_a_slow_query_is_ended_here_and_there_and_leaves_time_for_others(
    neo4j_server: Neo4jServer,
) -> None:
    slow = {"name": "slow", "cypher": ENDLESS, "profile": True}
    quick = {"name": "quick", "cypher": "RETURN 1 AS one", "profile": True}
    async with reading(neo4j_server, queries=[slow, quick]) as source:
        await source.connect(DEADLINE)
        poll = asyncio.create_task(collect(source, neo4j_plans.COLLECTOR))
        await until(lambda: our_transactions(neo4j_server) == 1, 2)
        found = await poll
        await until(lambda: our_transactions(neo4j_server) == 0)
        assert our_connections(neo4j_server) == 1
    status = {key: v for key, v in found["neo4j_plan_status"].items() if v}
    assert set(status) == {("slow", "profile_timeout"), ("quick", "ok")}
    assert found["neo4j_query_duration_seconds_sum"]["slow",] > DEADLINE / 3
    assert found["neo4j_plan_rows"] == {("quick",): 1}


async def test_a_run_whose_answer_does_not_come_is_given_up_in_time(
    neo4j_server: Neo4jServer,
) -> None:
    held = {"name": "held", "cypher": "RETURN 'held' AS x", "profile": True}
    quick = {"name": "quick", "cypher": "RETURN 1 AS one", "profile": True}
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri, queries=[held, quick]) as source:
            await collect(source, neo4j_plans.COLLECTOR)
            wire.hold = (b"PROFILE RETURN 'held'", DEADLINE)
            found = await collect(source, neo4j_plans.COLLECTOR)
    status = {key for key, v in found["neo4j_plan_status"].items() if v}
    assert status == {("held", "profile_timeout"), ("quick", "ok")}


async def test_a_profile_without_end_is_refused_and_the_connection_kept(
    neo4j_server: Neo4jServer,
) -> None:
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri) as source:
            await source.connect(DEADLINE)
            text = "UNWIND range(1, 20000) AS i RETURN i"
            profiled = await source.run(lambda s: s.profile(text, {}), 10)
            await source.connect(DEADLINE)
            assert wire.connections == 1
    assert isinstance(profiled, Refusal)
    assert profiled.reason is Reason.LIMIT


async def test_an_answer_without_end_is_refused_and_the_connection_kept(
    neo4j_server: Neo4jServer,
) -> None:
    async def much(source: Neo4jSource) -> list[Number]:
        return await source.fetch(Number, "UNWIND range(1, 1000000) AS n RETURN n")

    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        with pytest.raises(SourceError) as caught:
            await source.run(much, DEADLINE)
        assert (caught.value.reason, caught.value.answered) == (Reason.LIMIT, True)
        rows = await source.run(lambda s: s.fetch(Number, "RETURN 3 AS n"), DEADLINE)
        assert rows == [Number(3)]
        assert our_connections(neo4j_server) == 1


async def test_what_the_server_does_not_know_is_told_and_the_connection_kept(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        reasons = []
        for text in ("CALL dbms.listPools()", "SHOW INDEXES YIELD nonsense"):
            with pytest.raises(SourceError) as caught:
                await source.run(partial(fetching, text), DEADLINE)
            reasons.append((caught.value.reason, caught.value.answered))
        assert our_connections(neo4j_server) == 1
    assert reasons == [(Reason.UNSUPPORTED, True), (Reason.QUERY, True)]


async def test_many_polls_use_one_connection_and_leave_none(
    neo4j_server: Neo4jServer,
) -> None:
    honest = {"name": "honest", "cypher": "RETURN 1 AS one", "profile": True}
    async with reading(neo4j_server, queries=[honest]) as source:
        for _ in range(20):
            await collect(source, neo4j_plans.COLLECTOR)
        assert source.connections == our_connections(neo4j_server) == 1
    assert source.connections == 0
    await until(lambda: our_connections(neo4j_server) == 0)
