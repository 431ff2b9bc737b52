"""Indexes are compared by what they are good for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exporter.catalogue.indexes import TableIndex
from exporter.collectors._postgres_expected import Definition, implies, serves, status

QUEUE = TableIndex(
    table="tasks",
    columns=("status", "priority desc", "created_at"),
    where=("status in ('pending', 'assigned')",),
)
FOUND = Definition(
    table="tasks",
    method="btree",
    valid=True,
    required=False,
    columns=["status", "priority", "created_at"],
    classes=["text_ops", "int4_ops", "timestamptz_ops"],
    descending=[False, True, False],
    condition="(status = ANY (ARRAY['pending'::text, 'assigned'::text]))",
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"descending": [True, False, True]},
        {"condition": None},
        {"columns": [*FOUND.columns, "id"], "descending": [False, True, False, False]},
        {"condition": ""},
        {
            "condition": "((status)::text = ANY ((ARRAY['assigned'::character varying, "
            "'pending'::character varying, 'late'::character varying])::text[]))"
        },
    ],
)
def test_what_serves_as_well_is_present(change: dict[str, Any]) -> None:
    assert serves(QUEUE, replace(FOUND, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"table": "jobs"},
        {"method": "brin"},
        {"columns": ["priority", "status", "created_at"]},
        {"columns": ["status", "", "created_at"]},
        {"columns": ["status", "priority"]},
        {"descending": [False, False, False]},
        {"condition": "(status = 'pending'::text)"},
        {"condition": "((status = ANY (ARRAY['pending', 'assigned'])) AND (a > 1))"},
        {"condition": None, "required": True},
    ],
)
def test_what_does_not_serve_is_not(change: dict[str, Any]) -> None:
    assert not serves(QUEUE, replace(FOUND, **change))


def test_the_operator_class_counts_where_it_is_named() -> None:
    wanted = TableIndex(
        table="agents", columns=("capabilities jsonb_path_ops",), methods=("gin",)
    )
    found = Definition(
        *("agents", "gin", True, False, ["capabilities"], ["jsonb_path_ops"]),
        descending=[False],
        condition=None,
    )
    assert serves(wanted, found)
    assert not serves(wanted, replace(found, classes=["jsonb_ops"]))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "missing"),
        ([FOUND], "present"),
        ([replace(FOUND, valid=False)], "invalid"),
        ([replace(FOUND, valid=False), FOUND], "present"),
        ([replace(FOUND, table="other")], "missing"),
    ],
)
def test_an_index_is_present_invalid_or_missing(
    found: list[Definition], expected: str
) -> None:
    assert status(QUEUE, found) == expected


@pytest.mark.parametrize(
    ("condition", "other", "expected"),
    [
        ("active", "active", True),
        ("active", "(active = true)", True),
        ("status = 'active'", "((status)::text = 'active'::text)", True),
        ("status = 'active'", "(status = ANY (ARRAY['active', 'away']))", True),
        ("status in ('a', 'b')", "(status = 'a'::text)", False),
        ("status = 'a' and kind = 2", "(kind = 2)", True),
        ("kind = 2", "((kind = 2) AND (status = 'a'::text))", False),
        ("(deleted_at IS NULL)", "(deleted_at IS NULL)", True),
        ("(deleted_at IS NULL)", "(deleted_at IS NOT NULL)", False),
        ("status = 'a'", "(status <> 'a'::text)", False),
        ("status = 'a'", "(status = 'a'::app.state_2)", True),
        ("status = 'a'", """(status = 'a'::"My App"."State")""", True),
        ("status = 'a'", "(status OPERATOR(x.=) ('a'::text)::x.citext)", True),
        ("status = 'a.b'", "(status = 'a.b'::text)", True),
        ("status = 'b'", "(status = 'a.b'::text)", False),
        ("size = 1.5", "(size = 1.5)", True),
    ],
)
def test_a_condition_is_compared_by_the_rows_it_keeps(
    condition: str, other: str, *, expected: bool
) -> None:
    assert implies(condition, other) == expected
