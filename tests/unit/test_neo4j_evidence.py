"""What the evidence page shows of Neo4j, and that no literal is in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import neo4j_indexes, neo4j_plans, neo4j_schema
from exporter.collectors._neo4j_text import redacted
from exporter.errors import Reason
from exporter.evidence import Book
from exporter.sources.neo4j_plan import Refusal
from tests.unit.neo4j_recorded import plan
from tests.unit.test_neo4j_indexes import BY_USER, LOOKUP
from tests.unit.test_neo4j_schema import A_B, B_A, BIG, READ, schema


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("RETURN 'a' + \"b\"", "RETURN ? + ?"),
        (r"RETURN 'it\'s', 1", "RETURN ?, ?"),
        ("WHERE n.x1 = 12.5e-3 AND n.y = -4", "WHERE n.x1 = ? AND n.y = ?"),
        ("WHERE n.id = 0xFF OR n.id IN [1, 2]", "WHERE n.id = ? OR n.id IN [?, ?]"),
        ("MATCH (a)-[*1..50]->(b {x: .5})", "MATCH (a)-[*?..?]->(b {x: .?})"),
        ("MATCH (n:`odd 7 'label`)  \n RETURN n", "MATCH (n:`odd 7 'label`) RETURN n"),
        ("RETURN $p1 // the secret 'x\n, $p2", "RETURN $p1 , $p2"),
        ("RETURN /* 'pin' 1234 */ n", "RETURN n"),
        ("CREATE (n {name: 'cut off her", "CREATE (n {name: ?"),
        ("RETURN 'ends in \\", "RETURN ?"),
        ("RETURN /* cut off", "RETURN"),
        (None, ""),
    ],
)
def test_a_query_is_shown_without_its_literals(text: str | None, shown: str) -> None:
    assert redacted(text) == shown


def test_a_long_query_is_cut() -> None:
    assert len(redacted("RETURN n, " * 500)) == 1000


def test_a_failed_index_is_shown_with_the_servers_words_and_no_value() -> None:
    conflict = replace(BIG, name="u", why='Conflict (String("Ann")) 17\n\tat x')
    failed, _ = neo4j_schema.evidence(schema(A_B, BIG, conflict))
    assert failed.kpis == ("neo4j_index_failed",)
    assert [row[1] for row in failed.rows] == ["big", "u"]
    assert failed.rows[1][4:] == (
        "duplicate_values",
        "Conflict (String(?)) ?",
        "DROP INDEX `u`",
    )


def test_indexes_that_may_go_are_shown_with_the_reason() -> None:
    old = replace(READ, name="old", properties=["z"], now_ms=1000 * (1000 + 40 * 86400))
    _, superfluous = neo4j_schema.evidence(schema(A_B, B_A, old))
    assert {row[1]: row[4:] for row in superfluous.rows} == {
        "b_a": ("a_b", None, "DROP INDEX `b_a`"),
        "old": (None, 40 * 86400.0, "DROP INDEX `old`"),
    }


def test_a_healthy_schema_shows_nothing() -> None:
    assert [one.rows for one in neo4j_schema.evidence(schema(A_B))] == [(), ()]


def test_a_missing_index_is_shown_with_the_statement_that_makes_it() -> None:
    expected = [("User", ("id",)), ("User", ("mail", "age"))]
    rows = {"neo4j": [BY_USER, LOOKUP]}
    (table,) = neo4j_indexes.evidence(neo4j_indexes.Reading(rows, expected))
    assert table.rows == (
        (
            *("User", "mail,age", "missing"),
            "CREATE INDEX FOR (n:`User`) ON (n.`mail`, n.`age`)",
        ),
    )


def test_the_plan_before_a_change_stays_beside_the_one_after_it() -> None:
    book = Book()
    for moment, name in enumerate(("explain_seek", "explain_scan")):
        one = neo4j_plans.Reading("q", must_seek=True, plan=plan(name))
        book.put("graph", "plans", neo4j_plans.evidence([one]), moment)
    found = [
        (kept.current, kept.evidence.rows[-1][0])
        for kept in book.of("graph", 2, "neo4j_plan_changes")
    ]
    assert found == [(True, "NodeByLabelScan"), (False, "NodeIndexSeek")]


def test_an_expected_index_that_failed_is_dropped_before_it_is_made_again() -> None:
    expected = [("User", ("id",))]
    ways = {}
    for state in ("FAILED", "POPULATING"):
        rows = {"neo4j": [replace(BY_USER, state=state)]}
        (table,) = neo4j_indexes.evidence(neo4j_indexes.Reading(rows, expected))
        ((_, _, status, ways[status]),) = table.rows
    assert ways == {
        "failed": "DROP INDEX, by its name, and "
        "CREATE INDEX FOR (n:`User`) ON (n.`id`)",
        "not_online": "wait: it is populating",
    }


def test_a_plan_is_shown_as_a_tree_with_the_index_that_would_spare_its_scan() -> None:
    run = replace(plan("profile_scan"))
    readings = [
        neo4j_plans.Reading(
            "by-user", must_seek=True, plan=plan("explain_scan"), run=run
        ),
        neo4j_plans.Reading("by-hash", must_seek=True, plan=plan("explain_seek")),
        neo4j_plans.Reading(
            "broken", must_seek=False, plan=Refusal(Reason.QUERY, "no 'x' here")
        ),
    ]
    scan, seek, advice, refused = neo4j_plans.evidence(readings)
    assert [row[:5] for row in scan.rows] == [
        ("ProduceResults", None, 50.0, 50, 200),
        ("Filter", None, 50.0, 50, 1000),
        ("NodeByLabelScan", "scans", 1000.0, 1000, 1001),
    ]
    assert scan.depths == (0, 1, 2)
    assert {one.title.partition(" (")[0] for one in (scan, seek)} == {
        "Plan of by-user",
        "Plan of by-hash",
    }
    assert seek.rows[1][4] is None
    assert advice.rows == (
        ("by-user", "CREATE INDEX FOR (n:`ExecutionResult`) ON (n.`user_id`)"),
    )
    assert refused.rows == (("broken", "no ? here"),)
