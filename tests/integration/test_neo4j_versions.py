"""Versions and editions that cannot be run here: a server that pretends to be them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from exporter import collectors
from exporter.collector import SourceKind
from exporter.config import Neo4jTarget
from exporter.errors import Reason, SourceError
from exporter.sources.neo4j import Neo4jSource
from tests.integration.neo4j_fake import Refused, pretending
from tests.integration.neo4j_versions import community_4_4, enterprise
from tests.unit.sampled import values

if TYPE_CHECKING:
    from tests.integration.neo4j_fake import Script
    from tests.unit.sampled import Values

USER = {
    "name": "user",
    "cypher": "MATCH (n:User) WHERE n.id = $id RETURN n",
    "parameters": {"id": 1},
    "must_seek": True,
    "profile": True,
}


async def polled(
    script: Script, **settings: object
) -> tuple[Values, dict[str, SourceError], list[str]]:
    """Poll all collectors; returns values, failures by name and what is missing."""
    found: Values = {}
    failed: dict[str, SourceError] = {}
    missing: list[str] = []
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(pretending(script))
        target = Neo4jTarget.model_validate({"uri": uri, "queries": [USER], **settings})
        source = Neo4jSource(target)
        stack.push_async_callback(source.close)
        await source.connect(3)
        for one in collectors.load(SourceKind.NEO4J):
            try:
                rows = await source.run(one.read, 3)
                found |= values(one.samples(rows, one.state()))
                if one.inspect is not None:
                    findings = await source.run(one.inspect, 3)
                    missing += [finding.missing for finding in findings]
            except SourceError as error:
                failed[one.name] = error
        assert source.opened == 1
    return found, failed, missing


async def test_4_4_is_read_by_the_columns_it_has() -> None:
    script = community_4_4()
    found, failed, missing = await polled(script)
    assert failed == {}
    assert found["neo4j_info"] == {("4.4.48", "community", "4"): 1}
    states = {key[1:5]: key[5] for key, v in found["neo4j_index_state"].items() if v}
    assert states == {
        ("user_id", "User", "id", "btree"): "online",
        ("by_id", "User", "id", "range"): "online",
    }
    owners = {key[1]: key[4] for key in found["neo4j_index_info"]}
    assert owners == {"user_id": "user_id", "by_id": None}
    assert "neo4j_index_reads_total" not in found
    assert "neo4j_index_unused_seconds" not in found
    assert found["neo4j_index_twin"] == {("neo4j", "user_id", "by_id"): 1}
    assert "reads per index" in missing
    assert "which indexes are unused" in missing


async def test_4_4_has_transactions_clients_and_old_names_of_settings() -> None:
    found, _, _ = await polled(community_4_4())
    assert found["neo4j_transactions"]["neo4j", "running"] == 1
    assert found["neo4j_transactions_longest_seconds"] == {
        ("neo4j", "running", "neo4j-java/4"): 30.5
    }
    assert found["neo4j_transactions_begun_total"] == {("neo4j",): 0}
    assert found["neo4j_bolt_threads_max"] == {(): 400}
    assert found["neo4j_page_cache_size_bytes"] == {(): 2**29}
    assert "neo4j_transactions_timeout_seconds" not in found


async def test_4_4_gives_plans_with_another_runtime() -> None:
    found, _, _ = await polled(community_4_4())
    assert found["neo4j_plan_must_seek_violated"] == {("user",): 0}
    assert found["neo4j_plan_db_hits"] == {("user",): 4}
    assert found["neo4j_plan_index"] == {("user", "btree", "User", "id"): 1}


async def test_a_server_of_4_4_is_never_asked_for_what_it_does_not_know() -> None:
    script = community_4_4()
    await polled(script)
    asked = " ".join(script.asked)
    for unknown in (" readCount", "lastRead", "owningConstraint", "SHOW SETTINGS"):
        assert unknown not in asked


async def test_what_enterprise_forbids_is_told_and_the_rest_is_read() -> None:
    found, failed, _ = await polled(enterprise())
    assert {name: error.reason for name, error in failed.items()} == dict.fromkeys(
        ("connections", "graph", "jvm", "page_cache"), Reason.PERMISSION
    )
    assert all("GRANT" in (error.fix or "") for error in failed.values())
    assert found["neo4j_index_reads_total"]["neo4j", "by_id", "User", "id", "range"]
    assert found["neo4j_constraints"] == {
        ("neo4j", "node_key"): 1,
        ("neo4j", "node_property_existence"): 1,
    }


async def test_enterprise_tells_how_often_its_page_cache_has_a_page() -> None:
    found, failed, missing = await polled(enterprise(allowed=True))
    assert failed == {}
    assert found["neo4j_page_cache_hits_total"] == {(): 918_273}
    assert found["neo4j_page_cache_faults_total"] == {(): 412}
    assert found["neo4j_page_cache_usage_ratio"] == {(): 0.93}
    assert not [one for one in missing if one.startswith("page")]


async def test_enterprise_without_its_beans_is_told_what_to_switch_on() -> None:
    script = enterprise(allowed=True)
    (beans,) = [name for name in script.answers if "neo4j.metrics" in name]
    script.answers[beans] = [{"name": "hits", "value": 7}]
    found, failed, missing = await polled(script)
    assert failed == {}
    assert found["neo4j_page_cache_hits_total"] == {(): 7}
    assert "neo4j_page_cache_faults_total" not in found
    assert [one for one in missing if "bean" in one] == [
        "page_cache.page_faults: there is no such bean",
        "page_cache.usage_ratio: there is no such bean",
    ]


async def test_what_community_does_not_tell_has_a_line_in_check() -> None:
    script = community_4_4()
    _, _, missing = await polled(script)
    assert [one.partition(": ")[0].partition(" (")[0] for one in missing] == [
        "kind of the indexes that neo4j_index_entries is about",
        "reads per index",
        "page cache hits and faults of the whole server, and the size of its store",
        "index user_id is on the same properties as by_id",
        "which indexes are unused",
        "counts of transactions that were committed or rolled back",
        "copies of a database that were asked for and are not there",
        "transactions by which a copy of a database is late",
        "neo4j_transactions_memory_max_bytes",
        "neo4j_transactions_timeout_seconds",
    ]
    assert "neo4j.metrics" not in " ".join(script.asked)


async def test_who_runs_a_transaction_is_other_where_that_is_forbidden() -> None:
    script = enterprise()
    found, failed, _ = await polled(script)
    assert "transactions" not in failed
    assert found["neo4j_transactions_longest_seconds"] == {
        ("neo4j", "running", "other"): 30.5
    }


async def test_a_cluster_says_which_copies_are_missing_late_or_stopped() -> None:
    found, _, _ = await polled(enterprise())
    status = {key: v for key, v in found["neo4j_database_status"].items() if v}
    assert status == {
        ("neo4j", "online"): 2,
        ("neo4j", "store_copying"): 1,
        ("archive", "stopped"): 1,
        ("system", "online"): 1,
    }
    assert found["neo4j_database_copies_missing"] == {("neo4j",): 1}
    assert found["neo4j_database_replication_lag_transactions"] == {("neo4j",): 12}
    assert found["neo4j_transactions_committed_total"] == {("neo4j",): 90412}


async def test_each_database_of_enterprise_has_its_own_numbers() -> None:
    found, _, _ = await polled(enterprise(), databases=["neo4j", "sales"])
    assert set(found["neo4j_transactions_begun_total"]) == {("neo4j",), ("sales",)}
    assert ("sales", "running") in found["neo4j_transactions"]


async def test_ids_of_a_version_to_come_give_no_throughput_and_a_word_in_check() -> (
    None
):
    script = community_4_4()
    table = script.tables["SHOW TRANSACTIONS"]
    rows = tuple(
        {**row, "transactionId": "tx:0f3a", "currentQueryId": "q:77"}
        for row in table.rows
    )
    script.tables["SHOW TRANSACTIONS"] = table._replace(rows=rows)
    found, failed, missing = await polled(script)
    assert failed == {}
    assert "neo4j_transactions_begun_total" not in found
    assert "neo4j_queries_total" not in found
    assert any("not numbered as known" in one for one in missing)


async def test_a_server_that_is_too_old_is_told_so() -> None:
    script = community_4_4()
    script.answers["CALL dbms.components()"] = [
        {"version": "4.2.19", "edition": "community"}
    ]
    with pytest.raises(SourceError) as caught:
        await polled(script)
    assert caught.value.reason is Reason.UNSUPPORTED


async def test_without_free_threads_the_server_is_at_its_limit() -> None:
    script = community_4_4()
    code = "Neo.TransientError.Request.NoThreadsAvailable"
    script.answers = {"RETURN 1": Refused(code, "There are no available threads")}
    with pytest.raises(SourceError) as caught:
        await polled(script)
    assert caught.value.reason is Reason.LIMIT
