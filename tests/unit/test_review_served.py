"""Which expressions an index serves, from recorded plans."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.review.served import served


def node(alias: str = "o", /, **conditions: Any) -> dict[str, Any]:
    named = {key.replace("_", " "): value for key, value in conditions.items()}
    return {"Node Type": "Index Scan", "Alias": alias, **named}


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("LOWER(s)", "(lower((s)::text) = 'k77'::text)"),
        ("LOWER(o.s)", "(lower(s) = ANY ('{a,b}'::text[]))"),
        ("DATE_TRUNC('DAY', ts)", "(date_trunc('day'::text, ts) > now())"),
        ("ts", "((ts)::date = '2024-01-01'::date)"),
        ("a + 1", "((a + 1) = 2)"),
        ("d ->> 'k'", "((d ->> 'k'::text) = 'x'::text)"),
        ('LOWER("S t")', "(lower((\"S t\")::character varying(5)[]) = 'k'::text)"),
        ("EXTRACT(YEAR FROM ts)", "(EXTRACT(year FROM ts) = '2024'::numeric)"),
        ("LOWER(a)", "((lower(a) = 'x'::text) AND (b = 1))"),
    ],
)
def test_an_expression_in_the_condition_of_an_index_is_served(
    expression: str, condition: str
) -> None:
    assert served(node(Index_Cond=condition), [expression]) == [expression]
    assert served(node(Filter=condition), [expression]) == []
    both = [node(Index_Cond=condition), node(Filter=condition)]
    assert served(node(Plans=both), [expression]) == []


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("LOWER(s)", "(lower(st) = 'k'::text)"),
        ("LOWER(s)", "(upper(s) = 'lower(s)'::text)"),
        ("LOWER(s)", "(lower(t.s) = 'x')"),
        ("LOWER(t.s)", "(lower(s) = 'x'::text)"),
        ("LOWER(s)", "(s = 'x'::text)"),
        ("", "(s = 'x'::text)"),
    ],
)
def test_another_expression_or_table_is_not(expression: str, condition: str) -> None:
    assert served(node(Index_Cond=condition), [expression]) == []


def test_a_bitmap_is_of_the_table_above_it() -> None:
    below = {"Node Type": "Bitmap Index Scan", "Index Cond": "(lower(s) = 'x'::text)"}
    plan = node(Recheck_Cond="(lower(s) = 'x'::text)", Plans=[below])
    assert served(plan, ["LOWER(o.s)"]) == ["LOWER(o.s)"]


def test_a_pattern_is_looked_at_again_in_the_range_that_the_index_gives() -> None:
    conditions = {"Index_Cond": "(lower(s) ~>=~ 'a'::text)"}
    assert served(node(**conditions, Filter="(lower(s) ~~ 'a%'::text)"), ["LOWER(s)"])
    assert not served(
        node(**conditions, Filter="(lower(s) <> 'a'::text)"), ["LOWER(s)"]
    )
