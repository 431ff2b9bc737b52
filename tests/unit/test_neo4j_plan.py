"""Plan trees: how they are read, and what is concluded from their operators."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors._neo4j_plan import (
    fingerprint,
    label,
    misjudged,
    refusal,
    scans,
    worst,
)
from exporter.sources.neo4j_plan import Operator, Plan, parse
from tests.unit.neo4j_recorded import RECORDED, cypher, plan

# A 4.4 plan: leaves have an empty list of children, and the runtime is INTERPRETED.
PLAN_44 = {
    "operatorType": "ProduceResults@neo4j",
    "args": {"runtime": "INTERPRETED", "Details": "n", "EstimatedRows": 10.0},
    "identifiers": ["n"],
    "children": [
        {
            "operatorType": "NodeUniqueIndexSeek(Locking)@neo4j",
            "args": {"Details": "UNIQUE n:User(id) WHERE id = $id"},
            "identifiers": ["n"],
            "children": [],
        }
    ],
}
# A 2026.09 profile names the index that was used; there is no estimate on this node.
PLAN_2026 = {
    "operatorType": "NodeIndexSeek@neo4j",
    "args": {
        "Details": "RANGE INDEX e:ExecutionResult(code_hash) WHERE code_hash = $h",
        "UsedIndexes": ["execution_code_hash: 1"],
    },
    "identifiers": ["e"],
    "dbHits": 3,
    "rows": 2,
    "pageCacheHits": 0,
}
UNSAFE_IN_EXPRESSIONS = (
    "MATCH (n) WHERE any(i IN [1] WHERE EXISTS {CALL db.resampleIndex('h')}) RETURN n",
    "MATCH (n) RETURN CASE WHEN n.x THEN COLLECT { call/**/db.labels() } END",
    "MATCH (n) RETURN COLLECT { OPTIONAL CALL apoc.load.json('http://x') YIELD value }",
    "MATCH (n) RETURN COLLECT { CALL `db`.labels() YIELD label RETURN label }",
    "MATCH (n) RETURN COUNT { LOAD CSV FROM 'file:///x' AS line RETURN line }",
    "MATCH (n) RETURN COUNT { load/**/csv FROM 'file:///x' AS line RETURN line }",
)
SAFE = (
    "MATCH (n) CALL { MATCH (m) RETURN m } RETURN n, m",
    "MATCH (n) CALL (n) { RETURN 1 AS one } RETURN one",
    "MATCH (n) CALL(n) { RETURN 1 AS one } RETURN one",
    "CALL db.index.fulltext.queryNodes('ft', $w) YIELD node RETURN node",
    "CALL db.index.vector.queryNodes('v', 3, $v) YIELD node RETURN node",
    "MATCH (n:Call) WHERE n.call = 1 AND n.load > 2 RETURN n.recall",
)


def operator(name: str, details: str = "") -> Operator:
    return Operator(name, 0, details)


def test_a_tree_is_flattened_parents_first_and_left_before_right() -> None:
    assert [(one.depth, one.name) for one in plan("explain_union").operators] == [
        (0, "ProduceResults"),
        (1, "Distinct"),
        (2, "Union"),
        (3, "Projection"),
        (4, "Projection"),
        (5, "AllNodesScan"),
        (3, "Projection"),
        (4, "Projection"),
        (5, "DirectedRelationshipTypeScan"),
    ]


def test_figures_of_a_profile_are_read_and_absent_from_an_explain() -> None:
    profiled, explained = plan("profile_seek"), plan("explain_seek")
    assert [(one.db_hits, one.rows) for one in profiled.operators] == [(6, 2), (3, 2)]
    assert [(one.db_hits, one.rows) for one in explained.operators] == [
        (None, None)
    ] * 2


def test_plans_of_other_versions_are_read() -> None:
    assert parse(PLAN_44) == (
        Operator("ProduceResults", 0, "n", 10.0),
        Operator("NodeUniqueIndexSeek(Locking)", 1, "UNIQUE n:User(id) WHERE id = $id"),
    )
    assert [(one.name, one.db_hits) for one in parse(PLAN_2026)] == [
        ("NodeIndexSeek", 3)
    ]


@pytest.mark.parametrize(
    ("name", "scan"),
    [
        ("explain_seek", False),
        ("explain_composite", False),
        ("explain_text", False),
        ("explain_fulltext", False),
        ("explain_count", False),
        ("explain_scan", True),
        ("explain_index_scan", True),
        ("explain_union", True),
    ],
)
def test_what_reads_all_of_something_is_a_scan(name: str, *, scan: bool) -> None:
    assert any(scans(one) for one in plan(name).operators) == scan


@pytest.mark.parametrize(
    "name",
    [
        *("AllNodesScan", "NodeByLabelScan", "UnionNodeByLabelsScan"),
        *("IntersectionNodeByLabelsScan", "PartitionedNodeByLabelScan"),
        *("UndirectedRelationshipTypeScan", "DirectedUnionRelationshipTypesScan"),
        *("UndirectedAllRelationshipsScan", "NodeIndexContainsScan"),
        *("DirectedRelationshipIndexScan", "DynamicLabelNodeLookup"),
    ],
)
def test_scans_of_other_versions_are_known_by_their_names(name: str) -> None:
    assert scans(operator(name))


@pytest.mark.parametrize(
    "name",
    [
        *("NodeIndexSeek", "NodeUniqueIndexSeek(Locking)", "NodeIndexSeekByRange"),
        *("MultiNodeIndexSeek", "NodeByElementIdSeek", "NodeVectorIndexSearch"),
        *("NodeCountFromCountStore", "Expand(All)", "Filter", "ProcedureCall"),
    ],
)
def test_seeks_are_no_scans(name: str) -> None:
    assert not scans(operator(name))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("explain_seek", None),
        ("explain_scan", None),
        ("explain_union", None),
        ("explain_fulltext", None),
        ("explain_write", "refused_not_read"),
        ("explain_procedure", "refused_side_effects"),
        ("explain_terminate", "refused_side_effects"),
        ("explain_csv", "refused_side_effects"),
        ("explain_batches", "refused_side_effects"),
    ],
)
def test_only_what_merely_reads_may_be_run(name: str, why: str | None) -> None:
    assert refusal(cypher(name), plan(name)) == why
    assert refusal("", plan(name)) == why


def test_every_recorded_effect_but_a_write_passes_as_a_read_query() -> None:
    effects = ("explain_procedure", "explain_terminate", "explain_csv")
    assert {RECORDED[name]["query_type"] for name in effects} == {"r"}


@pytest.mark.parametrize("query_type", ["w", "rw", "s", None])
def test_what_is_not_a_plain_read_may_not_be_run(query_type: str | None) -> None:
    changed = replace(plan("explain_seek"), query_type=query_type)
    assert refusal("", changed) == "refused_not_read"


@pytest.mark.parametrize("text", UNSAFE_IN_EXPRESSIONS)
def test_a_call_inside_of_an_expression_is_refused(text: str) -> None:
    assert refusal(text, plan("explain_seek")) == "refused_side_effects"


@pytest.mark.parametrize("text", SAFE)
def test_subqueries_and_index_procedures_may_be_run(text: str) -> None:
    assert refusal(text, plan("explain_seek")) is None


@pytest.mark.parametrize(("rows", "why"), [(1e6, None), (1e6 + 1, "refused_rows")])
def test_more_than_a_million_expected_rows_are_refused(
    rows: float, why: str | None
) -> None:
    large = Plan((Operator("AllNodesScan", 0, "n", rows),), "r")
    assert refusal("", large) == why


def test_a_fingerprint_ignores_estimates_and_figures() -> None:
    assert fingerprint(plan("explain_seek")) == fingerprint(plan("profile_seek"))
    assert len(fingerprint(plan("explain_seek"))) == 8


def test_a_fingerprint_tells_operators_places_and_indexes_apart() -> None:
    names = [name for name in RECORDED if name.startswith("explain_")]
    assert len({fingerprint(plan(name)) for name in names}) == len(names)
    root, seek = plan("explain_seek").operators
    moved = replace(seek, depth=2)
    assert fingerprint(Plan((root, moved), "r")) != fingerprint(plan("explain_seek"))
    other = replace(seek, details=seek.details.replace("code_hash", "language"))
    assert fingerprint(Plan((root, other), "r")) != fingerprint(plan("explain_seek"))


def test_the_worst_operator_is_the_one_with_the_most_hits() -> None:
    root, seek = plan("profile_seek").operators
    few = replace(seek, estimated_rows=10_000.0)
    assert worst(Plan((root, few), "r")) == root


def test_without_a_run_the_worst_operator_is_the_one_with_the_most_rows() -> None:
    explained = worst(plan("explain_scan"))
    assert explained is not None
    assert explained.name == "NodeByLabelScan"
    assert worst(Plan((), "r")) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Expand(All)", "Expand(All)"),
        ("NodeIndexSeek", "NodeIndexSeek"),
        ("Odd name", "other"),
        ('x"\n', "other"),
        ("A" * 61, "other"),
        ("", "other"),
    ],
)
def test_an_operators_label_is_a_word_of_the_server(name: str, shown: str) -> None:
    assert label(operator(name)) == shown


def test_the_planner_is_judged_by_its_worst_guess() -> None:
    assert misjudged(plan("profile_scan")) == 1.0
    seen = Operator("Expand", 1, estimated_rows=9.0, rows=999)
    none = Operator("Filter", 0, estimated_rows=49.0, rows=0)
    assert misjudged(Plan((none, seen), "r")) == 100.0
    assert misjudged(Plan((none,), "r")) == 50.0


def test_without_a_run_the_planner_is_not_judged() -> None:
    assert misjudged(plan("explain_scan")) is None
