"""The rule on NOT IN over NULLs: what it finds, and what the text shows to be none."""

from __future__ import annotations

import pytest

from exporter.review.sql.read import statements
from exporter.review.sql.rules_null import not_in_nulls

Found = list[tuple[str, int, int]]


def found(text: str) -> Found:
    """Return severity, line and column of what the rule finds."""
    (statement,) = statements(text, "postgres")
    return [(one.severity, *one.place) for one in not_in_nulls(statement)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1 from t where a not in (select b from u)", [("warning", 1, 23)]),
        ("select 1 from t where not (a in (select b from u))", [("warning", 1, 28)]),
        ("select 1 from t where a <> all (select b from u)", [("warning", 1, 23)]),
        ("select 1 from t where a not in (1, null)", [("critical", 1, 23)]),
        (
            "select 1 from t where a not in (select b from u where c is not null)",
            [("warning", 1, 23)],
        ),
        (
            "select 1 from t where a not in (select b from u where b is not null or c)",
            [("warning", 1, 23)],
        ),
        ("select 1 from t where a not in (select b from u where b is not null)", []),
        ("select 1 from t where a not in (select coalesce(b, 0) from u)", []),
        ("select 1 from t where a not in (select count(*) from u)", []),
        (
            "select 1 from t where not a = any (select b from u)",
            [("warning", 1, 27)],
        ),
        ("select 1 from t where a = any (select b from u)", []),
        ("select 1 from t where not a = any (select b from u where b > 0)", []),
        ("select 1 from t where a in (select b from u)", []),
        ("select 1 from t where a not in (1, 2)", []),
        ("select 1 from t where not exists (select 1 from u where u.b = t.a)", []),
    ],
)
def test_not_in_over_nulls_is_found(text: str, expected: Found) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "query",
    [
        "select b from u where b > 0",
        "select u.b from u where c and (0 < b)",
        "select b from u where b between 1 and 2",
        "select b from u where b = 1",
        "select b from u where b in (select c from v)",
        "select b from u where b like 'x%' group by b",
        "select u.b from u join v on u.i = v.i where not u.b is null",
        "select generate_series(1, 3)",
        "select g from generate_series(1, 3) g",
        "select g.n from generate_series(1, 3) g(n)",
        "select * from generate_series(1, 3)",
        "select unnest(array[1, -2])",
        "select x from unnest(array['a', 'b']) x",
    ],
)
def test_a_subquery_that_gives_no_null_is_left_alone(query: str) -> None:
    text = f"select 1 from t where a not in ({query})"
    assert found(text) == []


@pytest.mark.parametrize(
    "query",
    [
        "select b from u where b > 0 or c",
        "select b from u where not (b > 0)",
        "select b from u where b > all (select c from v)",
        "select b from u where b is distinct from 1",
        "select b from u where b is null",
        "select u.b from u join v on u.i = v.i where v.b > 0",
        "select b from u where coalesce(b, 1) > 0",
        "select b + c from u where b > 0",
        "select b from u where b > 0 group by rollup (b)",
        "select b from u where b > 0 union select b from u",
        "select max(b) from u where b > 0",
        "select a from generate_series(1, 3) g",
        "select g from generate_series(1, 3) g, u",
        "select unnest(array[1, null])",
        "select x from unnest(array[b]) x",
        "select x from unnest($1) x",
    ],
)
def test_a_subquery_that_may_give_null_is_found(query: str) -> None:
    text = f"select 1 from t where a not in ({query})"
    assert found(text) == [("warning", 1, 23)]
