"""The newest Neo4j that this machine's Java runs: all collectors, in its own Cypher."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from exporter import collectors
from exporter.collector import SourceKind
from exporter.collectors import neo4j_plans, neo4j_transactions
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.demo.servers.neo4j_jars import CALENDAR, LTS, missing
from tests.integration.exporter_process import open_folder
from tests.integration.neo4j_fixtures import (
    ask,
    collect,
    reading,
    running,
    write_password,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.sampled import Values

NEWEST = LTS if missing(CALENDAR) else CALENDAR
LANGUAGE = "5" if NEWEST is LTS else "25"
_ONLY_NEW = {
    "db.query.default_language": "CYPHER_25",
    "dbms.fleet_manager.enabled": "false",
    "server.fleet_discovery.enabled": "false",
}
BY_ID = {
    "name": "by-id",
    "cypher": "MATCH (n:User) WHERE n.id = $id RETURN n",
    "parameters": {"id": 7},
    "profile": True,
    "must_seek": True,
}


@pytest.fixture(scope="module")
def newest() -> Iterator[Neo4jServer]:
    """Start it with a schema that has one index of each fate."""
    settings = {} if NEWEST is LTS else _ONLY_NEW
    with open_folder() as folder:
        server = Neo4jServer(
            folder / "neo4j",
            password="right-password",
            settings=settings,
            release=NEWEST,
        )
        write_password(server, server.password)
        with running(server):
            ask(server, "UNWIND range(1, 500) AS i CREATE (:User {id: i})")
            ask(server, "CREATE CONSTRAINT user_id FOR (n:User) REQUIRE n.id IS UNIQUE")
            ask(server, "CREATE (:Big {s: $s})", s="x" * 20_000)
            ask(server, "CREATE INDEX big FOR (n:Big) ON (n.s)")
            yield server
        shutil.rmtree(server.folder)


async def test_every_collector_works_and_says_what_it_lacks(
    newest: Neo4jServer,
) -> None:
    async with reading(newest, queries=[BY_ID], timeout="10s") as source:
        found: Values = {}
        for one in collectors.load(SourceKind.NEO4J):
            found |= await collect(source, one)
            if one.inspect is not None:
                found_here = await source.run(one.inspect, 10)
                mendable = [finding for finding in found_here if finding.fix]
                assert all("index big failed" in one.missing for one in mendable)
    assert found["neo4j_info"] == {(NEWEST.version, "community", LANGUAGE): 1}
    assert found["neo4j_index_failure"] == {("neo4j", "big", "value_too_large"): 1}
    assert found["neo4j_constraints"] == {("neo4j", "uniqueness"): 1}
    assert found["neo4j_database_nodes"] == {("neo4j",): 501}
    assert found["neo4j_bolt_threads_max"] == {(): 400}


async def test_a_query_is_profiled_with_its_pages(newest: Neo4jServer) -> None:
    async with reading(newest, queries=[BY_ID], timeout="10s") as source:
        found = await collect(source, neo4j_plans.COLLECTOR)
    assert found["neo4j_plan_must_seek_violated"] == {("by-id",): 0}
    assert found["neo4j_plan_rows"] == {("by-id",): 1}
    assert found["neo4j_plan_index"] == {("by-id", "range", "User", "id"): 1}
    assert found["neo4j_plan_page_hits"]["by-id",] > 0


async def test_the_work_of_others_is_counted_exactly(newest: Neo4jServer) -> None:
    state = neo4j_transactions.COLLECTOR.state()
    async with reading(newest, timeout="10s") as source:
        await collect(source, neo4j_transactions.COLLECTOR, state)
        for _ in range(5):
            ask(newest, "RETURN 1")
        found = await collect(source, neo4j_transactions.COLLECTOR, state)
    assert found["neo4j_queries_total"] == {(): 5}
    assert found["neo4j_transactions_begun_total"] == {("neo4j",): 5}
