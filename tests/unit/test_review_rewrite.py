"""Statements written anew: the text, when it is the same, and what is left alone."""

from __future__ import annotations

import pytest

from exporter.review.sql.compared import compared
from exporter.review.sql.read import statements
from exporter.review.sql.rewrite import rewrites

DATE = "CAST('2024-01-02' AS DATE)"
DAY = f"({{0}} >= {DATE} AND {{0}} < ({DATE} + 1))"


def rewritten(condition: str) -> list[tuple[str, str]]:
    """Return conditions written anew, and when they are the same."""
    (statement,) = statements(f"select 1 from t where {condition}", "postgres")
    start = len("SELECT 1 FROM t WHERE ")
    return [(one.text[start:], one.when) for one in rewrites(statement)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ts::date = '2024-01-02'", DAY.format("ts")),
        ("date '2024-01-02' = date_trunc('day', t.ts)", DAY.format("t.ts")),
        (
            "extract(year from ts) = 2024",
            "(ts >= MAKE_DATE(2024, 1, 1) AND ts < MAKE_DATE(2024 + 1, 1, 1))",
        ),
        ("n + 1 > 10", "n > 10 - 1"),
        ("10 > 1 + n", "n < 10 - 1"),
        ("(n - 2) = 5", "n = 5 + 2"),
        (
            "extract(year from ts) = 9998",
            "(ts >= MAKE_DATE(9998, 1, 1) AND ts < MAKE_DATE(9998 + 1, 1, 1))",
        ),
        ("coalesce(n, 0) = 1", "n = 1"),
        ("coalesce(n, 2) = 01", "n = 01"),
        (
            "t.a not in (select u.b from u where c)",
            "NOT EXISTS(SELECT 1 FROM u WHERE c AND u.b = t.a)",
        ),
    ],
)
def test_a_condition_is_written_so_that_an_index_serves(
    condition: str, expected: str
) -> None:
    ((text, when),) = rewritten(condition)
    assert text == expected
    assert when


@pytest.mark.parametrize(
    "condition",
    [
        "ts::date = $1",
        "ts::date > '2024-01-02'",
        "ts::date = 'yesterday'",
        "ts::text = '2024-01-02'",
        "date_trunc('month', ts) = '2024-01-02'",
        "date_trunc('day', ts) = '2024-01-02 10:00'",
        "extract(month from ts) = 1",
        "extract(year from ts) > 2024",
        "n * 2 = 10",
        "1 - n = 10",
        "n + m = 10",
        "n + 1 = m",
        "coalesce(n, 1) = 1",
        "coalesce(n, m) = 1",
        "coalesce(n, 0) > 1",
        "a not in (select b from u)",
        "t.a not in (select b from u)",
        "t.a not in (select t.b from u)",
        "t.a not in (select t.b from t)",
        "T.a not in (select t.b from t)",
        't.a not in (select "U".b from u)',
        "t.a not in (select s.u.b from s.u)",
        "t.a not in (select g from generate_series(1, 3))",
        "t.a not in (select u.b from u limit 5)",
        "t.a not in (select max(u.b) from u group by c)",
        "t.a not in (select distinct u.b from u, v)",
        "date_trunc('day', ts, 'Asia/Tokyo') = '2024-01-02'",
        "extract(year from ts) = 0",
        "extract(year from ts) = -1",
        "extract(year from ts) = 9999",
        "extract(year from ts) = 5874897",
        "coalesce(n, 1) = 01",
        "coalesce(n, 1) = 1.0",
        "coalesce(a, '1') = '01'",
        "t.a in (select b from u)",
        "not (n + 1 = 2)",
        "n + 1 = 2 or m = 1",
        "lower(a) = 'x'",
    ],
)
def test_what_would_not_be_the_same_is_left_alone(condition: str) -> None:
    assert rewritten(condition) == []


def test_the_condition_of_not_exists_says_whose_columns_it_means() -> None:
    ((_, when),) = rewritten("t.id not in (select u.id from u)")
    assert when == "where neither t.id nor u.id is NULL"


def test_each_rewrite_changes_one_thing_and_parses_to_what_was_meant() -> None:
    found = rewritten("n + 1 = 2 and coalesce(m, 0) = 1 and a = 'x'")
    assert [text for text, _ in found] == [
        "n = 2 - 1 AND COALESCE(m, 0) = 1 AND a = 'x'",
        "n + 1 = 2 AND m = 1 AND a = 'x'",
    ]


def test_other_dialects_are_not_written_anew() -> None:
    (statement,) = statements("select 1 from t where n + 1 = 2", "mysql")
    assert rewrites(statement) == []


def test_what_an_index_would_begin_with_is_gathered_by_table() -> None:
    (statement,) = statements(
        "select o.id from shop.orders o join users u on u.id = o.user_id "
        "where lower(u.email) = 'x' and o.status in ('a', 'b') and o.at > now() "
        'and 5.0 = o.total and "O" = 1 order by o.at limit 5',
        "postgres",
    )
    orders, users = compared(statement)
    assert (orders.alias, orders.table) == ("o", "shop.orders")
    assert orders.equal == ("status", "total", "O")
    assert (orders.ranged, orders.joined, orders.order) == (
        ("at",),
        ("user_id",),
        ("at",),
    )
    assert [(p.column, p.other_alias, p.other) for p in orders.pairs] == [
        ("total", "", ""),
        ("user_id", "u", "id"),
    ]
    assert users.folded == (("lower", "email"),)
    assert users.joined == ("id",)


def test_sorting_counts_only_where_it_is_ascending_and_bounded() -> None:
    def order(text: str) -> tuple[str, ...]:
        (statement,) = statements(f"select a from t {text}", "postgres")
        return compared(statement)[0].order

    assert order("order by a, b limit 5") == ("a", "b")
    assert order("order by a, b desc limit 5") == ("a",)
    assert order("order by a") == ()
    assert order("order by lower(a) limit 5") == ()
