"""What would turn a scan into a seek, told from plans of a real server."""

from __future__ import annotations

import pytest

from exporter.catalogue import queries
from exporter.collectors._neo4j_advice import (
    Used,
    remedy,
    rewrites,
    statement,
    used,
)
from exporter.collectors._neo4j_index import Covers
from exporter.config import Neo4jTarget
from exporter.sources.neo4j_plan import Operator, Plan
from tests.unit.neo4j_recorded import cypher, plan

COMPOSITE = Covers("c", "RANGE", "NODE", ["ExecutionResult"], ["user_id", "timestamp"])


def scanning(details: str) -> Plan:
    return Plan(
        (
            Operator("ProduceResults", 0, "e"),
            Operator("Filter", 1, details),
            Operator("NodeByLabelScan", 2, "e:ExecutionResult"),
        ),
        "r",
    )


@pytest.mark.parametrize(
    ("details", "covered"),
    [
        ("e.user_id = $u", "(n.`user_id`)"),
        ("e.language = $l AND e.user_id = $u", "(n.`language`, n.`user_id`)"),
        ("e.timestamp > $t AND e.user_id = $u", "(n.`user_id`, n.`timestamp`)"),
        ("$t <= e.timestamp AND e.user_id = $u", "(n.`user_id`, n.`timestamp`)"),
        ("e.a > $x AND e.b < $y", "(n.`a`)"),
        ("e.code IN $codes", "(n.`code`)"),
        ("e.name STARTS WITH $x", "(n.`name`)"),
        ("e.`odd` = $x AND other.user_id = $u", "(n.`odd`)"),
        ("e.`odd name` = $x", "(n.`odd name`)"),
        ("e.a = $x AND (cache[e.c] < $z AND cache[e.c] >= $y)", "(n.`a`, n.`c`)"),
        ("e.c = $z AND (e.b = $y OR e.a = $x)", "(n.`c`)"),
        ("NOT e.a = $x AND e.b = $y", "(n.`b`)"),
        ("NOT cache[e.a] = $x AND f.k = e.b", "(n.`b`)"),
        ("e.a CONTAINS $x AND e.b = $y", "(n.`b`)"),
    ],
)
def test_advice_names_the_index_that_would_spare_the_scan(
    details: str, covered: str
) -> None:
    expected = f"CREATE INDEX FOR (n:`ExecutionResult`) ON {covered}"
    assert statement(scanning(details)) == expected


def test_alternatives_need_an_index_each() -> None:
    assert statement(scanning("e.a = $x OR e.b = $y")) == (
        "CREATE INDEX FOR (n:`ExecutionResult`) ON (n.`a`); "
        "CREATE INDEX FOR (n:`ExecutionResult`) ON (n.`b`)"
    )


def test_parts_of_texts_need_a_text_index() -> None:
    found = scanning("e.a CONTAINS $x")
    assert statement(found) == (
        "CREATE TEXT INDEX FOR (n:`ExecutionResult`) ON (n.`a`)"
    )
    assert remedy(found) == "an index on ExecutionResult(a) as text"


@pytest.mark.parametrize(
    ("scan", "details", "fix"),
    [
        (
            "DirectedRelationshipTypeScan",
            "(anon_0)-[e:R]->(b)",
            "CREATE INDEX FOR ()-[n:`R`]-() ON (n.`x`)",
        ),
        (
            "UndirectedRelationshipTypeScan",
            "(a)-[e:R]-(b)",
            "CREATE INDEX FOR ()-[n:`R`]-() ON (n.`x`)",
        ),
        (
            "UnionNodeByLabelsScan",
            "e:A|B",
            "CREATE INDEX FOR (n:`A`) ON (n.`x`); CREATE INDEX FOR (n:`B`) ON (n.`x`)",
        ),
        (
            "IntersectionNodeByLabelsScan",
            "e:A&B",
            "CREATE INDEX FOR (n:`A`) ON (n.`x`)",
        ),
        ("NodeByLabelScan", "e:`A``B`", "CREATE INDEX FOR (n:`A``B`) ON (n.`x`)"),
    ],
)
def test_each_kind_of_scan_has_an_index_that_spares_it(
    scan: str, details: str, fix: str
) -> None:
    found = (Operator("Filter", 0, "e.x = $x"), Operator(scan, 1, details))
    assert statement(Plan(found, "r")) == fix


def test_each_of_two_scans_is_judged_by_what_is_above_it() -> None:
    found = Plan(
        (
            Operator("CartesianProduct", 0),
            Operator("Filter", 1, "f.k = $k"),
            Operator("NodeByLabelScan", 2, "f:Y"),
            Operator("Filter", 1, "e.a = cache[f.k]"),
            Operator("NodeByLabelScan", 2, "e:X"),
        ),
        "r",
    )
    assert remedy(found) == "indexes on Y(k) and X(a)"
    assert [*rewrites("MATCH (f:Y) WHERE f.k = $k RETURN f", found, [])] == []


def test_a_join_reads_both_sides_whatever_there_is() -> None:
    found = Plan(
        (
            Operator("ValueHashJoin", 0, "e.a = f.k"),
            Operator("NodeByLabelScan", 1, "e:X"),
            Operator("NodeByLabelScan", 1, "f:Y"),
        ),
        "r",
    )
    assert remedy(found) == ""


def test_a_long_remedy_is_cut() -> None:
    names = " AND ".join(f"e.property_{n:02} = $x" for n in range(20))
    assert len(remedy(scanning(names))) == 120


def test_what_no_index_can_serve_is_told() -> None:
    for found in (plan("explain_index_scan"), scanning("toLower(e.name) = $x")):
        assert "as it is written" in statement(found)
        assert remedy(found) == ""


def test_without_a_label_it_is_told_to_name_one() -> None:
    assert "name the label" in statement(plan("explain_union"))


def test_a_composite_index_serves_when_all_its_properties_are_asked_for() -> None:
    text = cypher("explain_scan")
    (found,) = rewrites(text, plan("explain_scan"), [COMPOSITE])
    assert found.predicate == "e.timestamp IS NOT NULL"
    assert found.cypher == (
        "MATCH (e:ExecutionResult) WHERE e.timestamp IS NOT NULL AND "
        "e.user_id = $u RETURN e"
    )


@pytest.mark.parametrize(
    "index",
    [
        Covers("c", "RANGE", "NODE", ["AuditEvent"], ["user_id", "timestamp"]),
        Covers("c", "RANGE", "NODE", ["ExecutionResult"], ["language", "timestamp"]),
        Covers("c", "RANGE", "NODE", ["ExecutionResult"], ["user_id"]),
        Covers("c", "TEXT", "NODE", ["ExecutionResult"], ["user_id", "timestamp"]),
        Covers("c", "LOOKUP", "NODE", None, None),
    ],
)
def test_other_indexes_are_no_reason_to_ask_for_more(index: Covers) -> None:
    assert [*rewrites(cypher("explain_scan"), plan("explain_scan"), [index])] == []


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (e:ExecutionResult {user_id: $u}) RETURN e",
        "MATCH (e:ExecutionResult) WHERE e.x = 1 WITH e WHERE e.user_id = $u RETURN e",
    ],
)
def test_a_text_without_one_clear_place_is_left_alone(text: str) -> None:
    assert [*rewrites(text, plan("explain_scan"), [COMPOSITE])] == []


@pytest.mark.parametrize(
    ("name", "details", "index"),
    [
        (
            "NodeIndexSeek",
            "RANGE INDEX e:ExecutionResult(user_id, timestamp) WHERE user_id = 'x'",
            Used("range", "ExecutionResult", "user_id,timestamp"),
        ),
        (
            "NodeUniqueIndexSeek",
            "UNIQUE u:User(id) WHERE x",
            Used("range", "User", "id"),
        ),
        (
            "NodeIndexContainsScan",
            "TEXT INDEX n:Note(text) WHERE text CONTAINS $w",
            Used("text", "Note", "text"),
        ),
        (
            "DirectedRelationshipIndexSeek",
            "RANGE INDEX (a)-[r:R(since)]->(b) WHERE since = $x",
            Used("range", "R", "since"),
        ),
        ("NodeIndexSeek", "something else", None),
        ("Filter", "RANGE INDEX e:A(b)", None),
    ],
)
def test_the_index_that_an_operator_reads_is_told(
    name: str, details: str, index: Used | None
) -> None:
    assert used(Operator(name, 0, details)) == index


def test_a_set_stands_beside_the_targets_own_queries_which_come_first() -> None:
    own = {"name": "audit_since", "cypher": "RETURN 1"}
    target = Neo4jTarget.model_validate(
        {"uri": "bolt://x", "queries": [own], "query_set": "ultimate-mcp"}
    )
    assert [query.name for query in target.watched] == [
        *("audit_since", "executions_by_code_hash", "executions_by_user"),
    ]
    assert target.watched[0].cypher == "RETURN 1"
    assert not any(query.profile for query in target.watched)


def test_a_set_is_run_when_asked_for() -> None:
    target = Neo4jTarget.model_validate(
        {"uri": "bolt://x", "query_set": "ultimate-mcp", "profile_query_set": True}
    )
    assert len(target.watched) == 3
    assert all(query.profile and query.must_seek for query in target.watched)


def test_every_query_set_can_be_loaded() -> None:
    assert [len(queries.load(name).queries) for name in queries.names()] == [3]
