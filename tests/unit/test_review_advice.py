"""Advice on indexes and conversions, from recorded plans and tables."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.review.advice import (
    Candidate,
    Scan,
    Table,
    candidates,
    converted,
    estimated,
    proved,
    uses_hypothetical,
)

COLUMNS = {
    "id": "int8",
    "order": "int4",
    "status": "text",
    "at": "timestamptz",
    "User": "int4",
}
TABLE = Table("orders", "public", "orders", 50_000.0, 400.0, COLUMNS, (("id",),), 4.0)


def scan(rows: int = 100, cost: float = 1000.0, alias: str = "o") -> dict[str, Any]:
    return {
        "Node Type": "Seq Scan",
        "Relation Name": "orders",
        "Alias": alias,
        "Plan Rows": rows,
        "Total Cost": cost,
    }


def entry(**kinds: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(
        ("equal", "ranged", "joined", "folded", "order", "pairs"), ()
    )
    return {"alias": "o", "table": "orders", **empty, **kinds}


def keys(*compared: dict[str, Any], node: dict[str, Any] | None = None) -> list[str]:
    found = candidates(node or scan(), compared, {"orders": TABLE})
    return [one.statement(online=False) for one in found]


def test_columns_that_are_equal_come_first_then_one_range() -> None:
    assert keys(entry(equal=("status",), ranged=("at", "id"))) == [
        "CREATE INDEX ON public.orders (status, at)",
        "CREATE INDEX ON public.orders (status)",
    ]


def test_sorting_serves_where_nothing_is_compared() -> None:
    assert keys(entry(order=("at", "id"))) == ["CREATE INDEX ON public.orders (at, id)"]


def test_an_expression_is_indexed_as_it_is_compared() -> None:
    assert keys(entry(folded=(("lower", "status"),))) == [
        "CREATE INDEX ON public.orders (lower(status))"
    ]


def test_names_are_quoted_where_they_must_be() -> None:
    assert keys(entry(joined=("User",))) == ['CREATE INDEX ON public.orders ("User")']
    assert keys(entry(joined=("order",))) == ['CREATE INDEX ON public.orders ("order")']


def test_columns_of_other_tables_and_other_scans_are_left_out() -> None:
    assert keys(entry(equal=("elsewhere",))) == []
    assert keys({**entry(equal=("status",)), "alias": "x"}) == []
    assert keys(entry(equal=("status",)), node={"Node Type": "Index Scan"}) == []


def test_a_scan_below_and_an_alias_that_comes_twice_are_found() -> None:
    node = {"Node Type": "Hash Join", "Plans": [scan(alias="o_1")]}
    assert keys(entry(equal=("status",)), node=node) != []


def candidate(rows: float, cost: float = 1000.0, table: Table = TABLE) -> Candidate:
    return Candidate(table, ("id",), ("id",), Scan("o", "orders", rows, cost))


def test_an_index_that_is_there_is_known() -> None:
    assert candidate(1).there
    assert not Candidate(TABLE, ("at",), ("at",), candidate(1).scan).there
    assert not Candidate(TABLE, ("lower(id)",), ("id",), candidate(1).scan).there


def test_an_estimate_says_that_it_is_one_and_what_it_rests_on() -> None:
    found = estimated(candidate(10), 1200.0)
    assert found is not None
    assert found["proof"] == "estimate"
    assert (found["cost_before"], found["cost_after"]) == (1200.0, 248.12)
    assert "10 of 50,000 rows" in found["why"]
    assert "not proved" in found["why"]


@pytest.mark.parametrize(
    "one",
    [
        candidate(20_000),
        candidate(10, cost=5.0),
        candidate(1, table=TABLE._replace(rows=500.0)),
    ],
)
def test_what_would_not_help_is_no_advice(one: Candidate) -> None:
    assert estimated(one, 1200.0) is None


def test_a_proof_says_by_what() -> None:
    found = proved(candidate(10), (1200.0, 8.0))
    assert found["proof"] == "hypothetical index"
    assert found["statement"] == "CREATE INDEX CONCURRENTLY ON public.orders (id)"


def test_a_plan_that_reads_a_hypothetical_index_is_known() -> None:
    node = {"Node Type": "Index Scan", "Index Name": "<13543>btree_orders_id"}
    assert uses_hypothetical({"Node Type": "Limit", "Plans": [node]})
    assert not uses_hypothetical({**node, "Index Name": "orders_pkey"})


def pair(column: str, other: str = "", alias: str = "") -> dict[str, Any]:
    place = {"line": 1, "at": 9}
    return {"column": column, "other_alias": alias, "other": other, **place}


@pytest.mark.parametrize(
    ("mine", "other", "expected"),
    [
        ("int8", "", True),
        ("int4", "numeric", True),
        ("numeric", "float8", True),
        ("bpchar", "text", True),
        ("numeric", "", False),
        ("float8", "", False),
        ("int4", "int8", False),
        ("numeric", "int4", False),
        ("text", "varchar", False),
        ("text", "bpchar", False),
        ("date", "timestamptz", False),
        ("uuid", "uuid", False),
        ("mood", "text", False),
    ],
)
def test_the_side_that_is_converted_is_found(
    mine: str,
    other: str,
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    tables = {"orders": TABLE._replace(columns={"a": mine, "b": other})}
    name = "b" if other else ""
    found = list(converted([entry(pairs=(pair("a", name, "o"),))], tables))
    assert bool(found) is expected
    if found:
        assert (found[0]["line"], found[0]["column"]) == (1, 9)
        assert found[0]["why"].startswith(f"a ({mine}) is compared with")
