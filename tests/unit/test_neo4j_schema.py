"""The collectors `schema` and `graph` on rows as 5.26 and 2026.09 give them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import neo4j_graph, neo4j_schema
from exporter.collectors._neo4j_index import REASONS, Covers, Index, reason, twins
from exporter.collectors.neo4j_graph import Counts, Memory
from exporter.collectors.neo4j_schema import Constraint, Schema
from tests.unit.sampled import values

A_B = Index("a_b", "RANGE", "NODE", ["L"], ["a", "b"], "ONLINE")
B_A = replace(A_B, name="b_a", properties=["b", "a"])
BIG = replace(
    A_B,
    name="big",
    state="FAILED",
    properties=["s"],
    why="java.lang.IllegalArgumentException: Property value is too large to index "
    "into this particular index. Please see index documentation for limitations.\n"
    "\tat org.neo4j…",
)
GRAPH = Counts(
    nodes=[{"count": 12}, {"count": 10, "label": "A"}, {"count": 5, "label": "B"}],
    relationships=[
        {"count": 3},
        {"count": 3, "relationshipType": "R"},
        {"count": 2, "relationshipType": "R", "startLabel": "A"},
        {"count": 1, "relationshipType": "R", "endLabel": "B"},
    ],
    indexes=[
        {
            "indexType": "LOOKUP",
            "labels": [],
            "properties": [],
            "totalSize": 0,
            "estimatedUniqueSize": 0,
            "updatesSinceEstimation": 0,
        },
        {
            "indexType": "RANGE",
            "indexProvider": "range-1.0",
            "labels": ["A"],
            "properties": ["x", "y"],
            "totalSize": 200,
            "estimatedUniqueSize": 150,
            "updatesSinceEstimation": 5,
        },
        {"indexType": "RANGE", "relationshipTypes": ["R"], "properties": ["z"]},
    ],
)


def schema(*rows: Index, constraints: tuple[Constraint, ...] = ()) -> dict[str, Schema]:
    return {"neo4j": Schema([*rows], [*constraints])}


def shown(
    read: dict[str, Schema],
) -> dict[str, dict[tuple[str | None, ...], float]]:
    return values(neo4j_schema.samples(read, None))


def test_indexes_are_counted_by_kind_and_state() -> None:
    found = shown(schema(A_B, B_A, BIG, replace(A_B, name="t", kind="TEXT")))
    counts = found["neo4j_indexes"]
    assert {key: v for key, v in counts.items() if v} == {
        ("neo4j", "range", "online"): 2,
        ("neo4j", "range", "failed"): 1,
        ("neo4j", "text", "online"): 1,
    }
    assert len(counts) == 10


def test_constraints_have_one_name_in_both_languages() -> None:
    found = shown(
        schema(
            constraints=(
                Constraint("UNIQUENESS", "NODE"),
                Constraint("NODE_PROPERTY_UNIQUENESS", "NODE"),
                Constraint("NODE_KEY", "NODE"),
                Constraint("GRAPH_TYPE_OF_TOMORROW", "NODE"),
            )
        )
    )
    assert found["neo4j_constraints"] == {
        ("neo4j", "uniqueness"): 2,
        ("neo4j", "node_key"): 1,
        ("neo4j", "other"): 1,
    }


def test_a_twin_and_a_failure_are_named() -> None:
    found = shown(schema(A_B, B_A, BIG))
    assert found["neo4j_index_twin"] == {("neo4j", "b_a", "a_b"): 1}
    assert found["neo4j_index_failure"] == {("neo4j", "big", "value_too_large"): 1}


@pytest.mark.parametrize(
    ("other", "twin"),
    [
        (Covers("z", "RANGE", "NODE", ["L"], ["b", "a"]), True),
        (Covers("z", "BTREE", "NODE", ["L"], ["a", "b"]), True),
        (Covers("z", "RANGE", "NODE", ["L"], ["a"]), False),
        (Covers("z", "RANGE", "NODE", ["M"], ["a", "b"]), False),
        (Covers("z", "RANGE", "RELATIONSHIP", ["L"], ["a", "b"]), False),
        (Covers("z", "TEXT", "NODE", ["L"], ["a", "b"]), False),
        (Covers("z", "LOOKUP", "NODE", None, None), False),
    ],
)
def test_twins_serve_the_same_comparisons(other: Covers, twin: bool) -> None:  # noqa: FBT001 - a case's verdict
    base = Covers("a_b", "RANGE", "NODE", ["L"], ["a", "b"])
    assert twins([other, base]) == ({"z": "a_b"} if twin else {})


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (BIG.why, "value_too_large"),
        ("java.io.IOException: No space left on device", "disk_full"),
        ("java.lang.OutOfMemoryError: Java heap space", "memory"),
        ("IndexEntryConflictException{propertyValues=(1)}", "duplicate_values"),
        ("java.io.UncheckedIOException: read failed", "disk"),
        ("TreeInconsistencyException", "corrupt"),
        ("who knows", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_a_failure_has_a_reason_out_of_a_closed_set(
    message: str | None, word: str
) -> None:
    assert reason(message) == word
    assert word in REASONS


READ = replace(A_B, last_read=1000.0, tracked_since=400.0, now_ms=1_060_000.0)


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        (READ, 60),
        (replace(READ, last_read=None), 660),
        (replace(READ, now_ms=999_000.0), 0),  # its clock was set back
        (replace(READ, last_read=None, tracked_since=None), None),
        (replace(READ, owner="l_id"), None),
        (replace(READ, kind="LOOKUP"), None),
    ],
)
def test_an_index_says_how_long_nobody_has_read_it(
    row: Index, seconds: float | None
) -> None:
    found = shown(schema(row)).get("neo4j_index_unused_seconds", {})
    assert [*found.values()] == ([] if seconds is None else [seconds])


def test_a_hundred_are_named_that_were_unused_for_longest() -> None:
    rows = [replace(READ, name=f"i{at}", last_read=1000.0 - at) for at in range(130)]
    found = shown(schema(*rows))["neo4j_index_unused_seconds"]
    assert len(found) == 100
    assert min(found.values()) == 90


def test_every_sample_of_schema_is_of_a_declared_metric() -> None:
    read = schema(A_B, B_A, BIG, READ, constraints=(Constraint("UNIQUENESS", "NODE"),))
    made = {sample.metric for sample in neo4j_schema.samples(read, None)}
    assert made == {*neo4j_schema.COLLECTOR.metrics}


def counted(
    *rows: Counts, state: dict[str, Memory] | None = None
) -> dict[str, dict[tuple[str | None, ...], float]]:
    return values(neo4j_graph.samples({"neo4j": [*rows]}, state or {}))


def test_a_graph_is_counted_by_label_and_type() -> None:
    found = counted(GRAPH)
    assert found["neo4j_database_nodes"] == {("neo4j",): 12}
    assert found["neo4j_nodes"] == {("neo4j", "A"): 10, ("neo4j", "B"): 5}
    assert found["neo4j_database_relationships"] == {("neo4j",): 3}
    assert found["neo4j_relationships"] == {("neo4j", "R"): 3}


def test_an_index_says_how_large_and_how_stale_it_is() -> None:
    found = counted(GRAPH)
    key = ("neo4j", "A", "x,y", "range")
    assert found["neo4j_index_entries"] == {key: 200}
    assert found["neo4j_index_distinct_entries"] == {key: 150}
    assert found["neo4j_index_updates_since_sample"] == {key: 5}


def test_small_labels_are_summed() -> None:
    nodes = [{"count": 9, "label": f"L{at}"} for at in range(53)]
    found = counted(Counts([{"count": 400}, *nodes], None, None))["neo4j_nodes"]
    assert len(found) == 51
    assert found["neo4j", "other"] == 27


def test_an_empty_answer_says_nothing() -> None:
    assert counted() == {}
    assert counted(Counts(None, None, None)) == {}


def test_every_sample_of_graph_is_of_a_declared_metric() -> None:
    made = {sample.metric for sample in neo4j_graph.samples({"neo4j": [GRAPH]}, {})}
    assert made == {*neo4j_graph.COLLECTOR.metrics}
