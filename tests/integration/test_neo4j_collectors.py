"""The Neo4j collectors on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.catalogue import indexes
from exporter.collectors import (
    neo4j_indexes,
    neo4j_jvm,
    neo4j_plans,
)
from exporter.collectors import (
    neo4j_server as server_collector,
)
from tests.integration.neo4j_fixtures import (
    DEADLINE,
    ask,
    collect,
    reading,
    until,
)

if TYPE_CHECKING:
    from exporter.demo.servers.neo4j import Neo4jServer
    from tests.unit.sampled import Values

TEN = [(one.label, one.properties) for one in indexes.of_labels("ultimate-mcp")]
HASHED = "MATCH (e:ExecutionResult) WHERE e.code_hash = $hash RETURN e"
READS = "neo4j_index_reads_total"
LAST_READ = "neo4j_index_last_read_timestamp_seconds"
SINCE = "neo4j_index_tracked_since_timestamp_seconds"
BY_HASH = {
    "name": "by-hash",
    "cypher": HASHED,
    "parameters": {"hash": "7"},
    "profile": True,
    "must_seek": True,
}
BY_USER = {
    "name": "by-user",
    "cypher": "MATCH (e:ExecutionResult) WHERE e.user_id = $user RETURN e",
    "parameters": {"user": "u3"},
    "profile": True,
    "must_seek": True,
}
VECTOR = (
    "{indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}"
)
LONG_TEXTS = """
UNWIND range(1, 8000) AS i
CREATE (:Long {text: reduce(t = '', k IN range(1, 40) | t + toString(rand()))})"""
FILL = """
UNWIND range(0, 999) AS i
CREATE (:ExecutionResult {code_hash: toString(i / 2), user_id: 'u' + i % 20,
                          timestamp: i, language: 'python'})"""


def create_ten(server: Neo4jServer) -> None:
    for number, (label, properties) in enumerate(TEN):
        covered = ", ".join(f"n.{name}" for name in properties)
        ask(server, f"CREATE INDEX ten_{number} FOR (n:{label}) ON ({covered})")
    ask(server, "CALL db.awaitIndexes(60)")


def fail_index(server: Neo4jServer, label: str, name: str) -> None:
    """Have an index that failed: a value is too large for it."""
    ask(server, f"CREATE (:{label} {{{name}: $x}})", x="x" * 20_000)
    ask(server, f"CREATE INDEX too_large FOR (n:{label}) ON (n.{name})")


def statuses(found: Values) -> dict[tuple[str | None, ...], str | None]:
    """Return the status of each expected index."""
    expected = found["neo4j_index_expected"]
    return {key[:2]: key[2] for key, value in expected.items() if value}


def states(found: Values) -> dict[str | None, str | None]:
    """Return the state of each index by its name."""
    return {key[1]: key[5] for key, v in found["neo4j_index_state"].items() if v}


def reads(found: Values) -> dict[str | None, float]:
    """Return the reads of each index by its name."""
    return {key[1]: v for key, v in found.get(READS, {}).items()}


async def test_the_ten_indexes_are_present_whatever_their_names(
    neo4j_server: Neo4jServer,
) -> None:
    create_ten(neo4j_server)
    async with reading(neo4j_server, indexes="ultimate-mcp") as source:
        found = await collect(source, neo4j_indexes.COLLECTOR)
        assert await source.run(neo4j_indexes.inspect, DEADLINE) == []
    assert len(statuses(found)) == 10
    assert set(statuses(found).values()) == {"present"}
    assert set(states(found).values()) == {"online"}
    assert set(found["neo4j_index_population_ratio"].values()) == {1.0}


async def test_a_dropped_index_is_missing_at_the_next_poll_and_back_at_another(
    neo4j_server: Neo4jServer,
) -> None:
    create_ten(neo4j_server)
    gone = ("ExecutionResult", "user_id,timestamp")
    async with reading(neo4j_server, indexes="ultimate-mcp") as source:
        await collect(source, neo4j_indexes.COLLECTOR)
        ask(neo4j_server, "DROP INDEX ten_6")
        found = await collect(source, neo4j_indexes.COLLECTOR)
        (finding,) = await source.run(neo4j_indexes.inspect, DEADLINE)
        ask(neo4j_server, finding.fix)
        ask(neo4j_server, "CALL db.awaitIndexes(60)")
        mended = await collect(source, neo4j_indexes.COLLECTOR)
    assert {key for key, status in statuses(found).items() if status == "missing"} == {
        gone
    }
    assert "ten_6" not in states(found)
    assert statuses(mended)[gone] == "present"


async def test_a_failed_index_is_shown_and_does_not_count_as_present(
    neo4j_server: Neo4jServer,
) -> None:
    fail_index(neo4j_server, "AuditEvent", "user_id")
    async with reading(neo4j_server, indexes="ultimate-mcp") as source:
        found = await collect(source, neo4j_indexes.COLLECTOR)
        findings = await source.run(neo4j_indexes.inspect, DEADLINE)
    assert states(found)["too_large"] == "failed"
    assert statuses(found)["AuditEvent", "user_id"] == "failed"
    assert "too_large" not in reads(found)
    (failed,) = [one for one in findings if "too_large" in one.missing]
    assert "too large to index" in failed.missing
    assert "\n" not in failed.missing
    assert failed.fix == "DROP INDEX `too_large`"


async def test_indexes_under_construction_are_populating(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, LONG_TEXTS)
    async with reading(neo4j_server) as source:
        await collect(source, neo4j_indexes.COLLECTOR)
        ask(neo4j_server, "CREATE TEXT INDEX long_texts FOR (n:Long) ON (n.text)")
        found = await collect(source, neo4j_indexes.COLLECTOR)
        ask(neo4j_server, "CALL db.awaitIndexes(60)")
        later = await collect(source, neo4j_indexes.COLLECTOR)
    ratios = {key[1]: v for key, v in found["neo4j_index_population_ratio"].items()}
    assert states(found)["long_texts"] == "populating"
    assert ratios["long_texts"] < 1
    assert states(later)["long_texts"] == "online"


async def test_reads_are_counted_per_index(neo4j_server: Neo4jServer) -> None:
    ask(neo4j_server, FILL)
    create_ten(neo4j_server)
    async with reading(neo4j_server) as source:
        for _ in range(7):
            ask(neo4j_server, HASHED, hash="7")
        await until(lambda: _reads_of(neo4j_server, "ten_4") == 7)
        found = await collect(source, neo4j_indexes.COLLECTOR)
    assert (reads(found)["ten_4"], reads(found)["ten_5"]) == (7, 0)
    last = {key[1]: v for key, v in found[LAST_READ].items()}
    since = {key[1]: v for key, v in found[SINCE].items()}
    assert 0 < last["ten_4"] - since["ten_4"] < 120
    assert "ten_5" not in last


def _reads_of(server: Neo4jServer, name: str) -> Any:
    query = "SHOW INDEXES YIELD name, readCount WHERE name = $name RETURN readCount"
    return ask(server, query, name=name)[0]["readCount"]


async def test_every_kind_of_index_is_shown_by_its_kind(
    neo4j_server: Neo4jServer,
) -> None:
    for statement in (
        "CREATE CONSTRAINT k_unique FOR (n:K) REQUIRE n.id IS UNIQUE",
        "CREATE FULLTEXT INDEX k_fulltext FOR (n:K|L) ON EACH [n.a, n.b]",
        "CREATE POINT INDEX k_point FOR (n:K) ON (n.where)",
        "CREATE TEXT INDEX k_text FOR (n:K) ON (n.text)",
        "CREATE INDEX k_relation FOR ()-[r:R]-() ON (r.since)",
        f"CREATE VECTOR INDEX k_vector FOR (n:K) ON (n.v) OPTIONS {VECTOR}",
    ):
        ask(neo4j_server, statement)
    async with reading(neo4j_server) as source:
        found = await collect(source, neo4j_indexes.COLLECTOR)
    shown = {key[1:5] for key in found["neo4j_index_population_ratio"]}
    assert {one for one in shown if one[3] != "lookup"} == {
        ("k_unique", "K", "id", "range"),
        ("k_fulltext", "K,L", "a,b", "fulltext"),
        ("k_point", "K", "where", "point"),
        ("k_text", "K", "text", "text"),
        ("k_relation", "R", "since", "range"),
        ("k_vector", "K", "v", "vector"),
    }
    info = {key[1]: (key[2], key[4]) for key in found["neo4j_index_info"]}
    assert info["k_unique"] == ("node", "k_unique")
    assert info["k_relation"] == ("relationship", None)


async def test_the_platforms_ten_indexes_leave_one_of_its_queries_to_a_scan(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    create_ten(neo4j_server)
    state: dict[str, Any] = {}
    async with reading(neo4j_server, queries=[BY_HASH, BY_USER]) as source:
        before = await collect(source, neo4j_plans.COLLECTOR, state)
        (finding,) = await source.run(neo4j_plans.inspect, DEADLINE)
        ask(neo4j_server, finding.fix)
        ask(neo4j_server, "CALL db.awaitIndexes(60)")
        after = await collect(source, neo4j_plans.COLLECTOR, state)
    hashed, user = ("by-hash",), ("by-user",)
    assert before["neo4j_plan_must_seek_violated"] == {hashed: 0, user: 1}
    assert before["neo4j_plan_operators"]["by-hash", "NodeIndexSeek"] == 1
    assert before["neo4j_plan_operators"]["by-user", "NodeByLabelScan"] == 1
    assert before["neo4j_plan_db_hits"][hashed] < 20
    assert before["neo4j_plan_db_hits"][user] > 2000
    assert before["neo4j_plan_rows"] == {hashed: 2, user: 50}
    assert finding.fix == "CREATE INDEX FOR (n:`ExecutionResult`) ON (n.`user_id`)"
    assert finding.missing == (
        "query by-user scans, but seeks (proved by EXPLAIN) "
        "with AND e.timestamp IS NOT NULL"
    )
    assert before["neo4j_plan_page_hits"][user] > 0
    assert after["neo4j_plan_index"]["by-user", "range", "ExecutionResult", "user_id"]
    assert after["neo4j_plan_must_seek_violated"] == {hashed: 0, user: 0}
    assert after["neo4j_plan_changes_total"] == {hashed: 0, user: 1}
    assert after["neo4j_plan_db_hits"][user] < 500
    assert after["neo4j_query_duration_seconds_count"] == {hashed: 2, user: 2}


async def test_the_server_says_what_it_is_and_how_its_jvm_is_doing(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        found = await collect(source, server_collector.COLLECTOR)
        found |= await collect(source, neo4j_jvm.COLLECTOR)
    now = ask(neo4j_server, "RETURN timestamp() / 1000.0 AS now")[0]["now"]
    assert found["neo4j_info"] == {("5.26.31", "community", "5"): 1}
    assert found["neo4j_database_status"]["neo4j", "online"] == 1
    assert found["neo4j_database_status"]["system", "online"] == 1
    assert 0 < now - found["neo4j_jvm_start_time_seconds"][()] < 3600
    used, most = (
        found[f"neo4j_jvm_memory_{what}_bytes"]["heap",] for what in ("used", "max")
    )
    assert 2**20 < used < most <= 512 * 2**20
    assert found["neo4j_jvm_threads"][()] > 10
    assert found["neo4j_jvm_cpu_seconds_total"][()] > 1
    assert set(found["neo4j_jvm_gc_collections_total"]) == {
        ("Copy",),
        ("MarkSweepCompact",),
    }
    assert (
        0
        < found["neo4j_jvm_open_file_descriptors"][()]
        < found["neo4j_jvm_max_file_descriptors"][()]
    )
