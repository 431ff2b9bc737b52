"""Each rule of the statement review: what it finds, where, and what it leaves alone."""

from __future__ import annotations

import pytest

from exporter.review.shape import ReviewError
from exporter.review.sql.read import statements
from exporter.review.sql.rules import findings

Found = list[tuple[str, int, int]]


def found(text: str, rule: str, dialect: str = "postgres") -> Found:
    """Return severity, line and column of what one rule finds."""
    return [
        (one.severity, one.place.line, one.place.column)
        for statement in statements(text, dialect)
        for one in findings(statement)
        if one.rule == rule
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from t limit 1", [("warning", 1, 8)]),
        ("select\n  t.* from t limit 1", [("warning", 2, 3)]),
        ("/* * */ select a, -- *\n* from t", [("warning", 2, 1)]),
        ("select a from t where a in (select * from u)", [("warning", 1, 36)]),
        ("with c as (select * from t) select a from c", [("warning", 1, 19)]),
        ('select "*" from t', []),
        ("select '*' from t", []),
        ("select a * b from t", []),
        ("select count(*) from t", []),
        ("select a from t where exists (select * from u where u.i = t.i)", []),
        ("with c as (select a from t) select * from c", []),
        ("select * from (select a from t) x", []),
        ("select x.* from (select a from t) x join t on t.a = x.a", []),
        ("select * from generate_series(1, 2) g", []),
    ],
)
def test_a_star_for_the_columns_of_a_table_is_found(text: str, expected: Found) -> None:
    assert found(text, "select_star") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delete from t", [("critical", 1, 13)]),
        ("update t set a = 1", [("critical", 1, 8)]),
        ("update t set a = 1 from u", [("critical", 1, 8)]),
        ("with x as (delete from t returning *) select 1", [("critical", 1, 24)]),
        ("delete from t where true", [("critical", 1, 13)]),
        ("delete from t where (not false) and '' = ''", [("critical", 1, 13)]),
        ("update t set a = 1 where 1 = 1", [("critical", 1, 8)]),
        ("update t set a = 1 where a = 1 or 1 = 1", [("critical", 1, 8)]),
        ("select a from t where true", [("warning", 1, 15)]),
        ("delete from t where true and a = 1", []),
        ("delete from t where false", []),
        ("delete from t where 1 = 2 or a = a", []),
        ("select a from t", [("warning", 1, 15)]),
        ("select count(*) from t", [("info", 1, 22)]),
        ("select a from t union all select a from u limit 5", []),
        (
            "select a from t where b union all select a from u",
            [("warning", 1, 49)],
        ),
        ("delete from t where a = 1", []),
        ("update t set a = 1 where b = (select 1 from u)", []),
        ("select a from t limit 10", []),
        ("select a from t fetch first 5 rows only", []),
        ("select 1", []),
        ("with c as (select 1 as a) select a from c", []),
        ("insert into t select 1", []),
    ],
)
def test_what_takes_all_rows_is_found(text: str, expected: Found) -> None:
    assert found(text, "no_where") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a from t where a like '%x'", [("warning", 1, 30)]),
        ("select a from t where a not like '_x'", [("warning", 1, 34)]),
        ("select a from t where a ilike '%' || $1 || '%'", [("warning", 1, 31)]),
        ("select a from t where lower(a) like concat('%', b)", [("warning", 1, 37)]),
        ("select a from t where a like '%x' escape '!'", [("warning", 1, 30)]),
        ("select a from t where a ~ 'x$'", [("warning", 1, 27)]),
        ("select 1 from t join u on t.a like '%' || u.a", [("warning", 1, 36)]),
        ("select a from t where a like 'x%'", []),
        ("select a from t where a like $1", []),
        ("select a from t where a ~ '^x'", []),
        ("select a like '%x' from t", []),
        ("select a from t where '%x' = a", []),
        ("select a from t where 'abc' like '%c'", []),
    ],
)
def test_a_pattern_without_a_beginning_is_found(text: str, expected: Found) -> None:
    assert found(text, "leading_wildcard") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a from t where lower(a) = 'x'", [("warning", 1, 23)]),
        ("select a from t where a::date = '2024-01-01'", [("warning", 1, 23)]),
        ("select a from t where date_trunc('day', a) > now()", [("warning", 1, 23)]),
        ("select a from t where a + 1 = 2", [("warning", 1, 23)]),
        ("select a from t where 2 < (a * 3)", [("warning", 1, 28)]),
        ("select a from t where coalesce(a, 0) between 1 and 2", [("warning", 1, 23)]),
        ("select a from t where myown(a) in (1, 2)", [("warning", 1, 23)]),
        ("select a from t where a ->> 'k' = 'x'", [("info", 1, 23)]),
        ("select a from t where $1 = any(a)", [("warning", 1, 32)]),
        (
            "select 1 from t join u on lower(t.a) = lower(u.a)",
            [("warning", 1, 27), ("warning", 1, 40)],
        ),
        ("update t set b = 1 where upper(a) = 'X'", [("warning", 1, 26)]),
        ("select a from t where a = lower('X')", []),
        ("select a from t where a > now() - interval '1 day'", []),
        ("select lower(a) from t where a = 'x'", []),
        ("select a from t where (a, b) > (1, 2)", []),
        ("select a from t where a = any($1)", []),
        ("select 1 from t join u on t.a = u.a + 1", []),
        ("select a from t where a = (select max(b) + 1 from u)", []),
        ("select a from t group by a having count(a) > 1", []),
        ("select a from t where a is not null", []),
        ("select a from t where a <> lower(b)", []),
    ],
)
def test_a_column_that_is_changed_before_it_is_compared_is_found(
    text: str, expected: Found
) -> None:
    assert found(text, "non_sargable") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a from t where id = 5.0", [("warning", 1, 28)]),
        ("select a from t where user_id in (1, 2.5)", [("warning", 1, 38)]),
        ("select a from t where a > 7.", [("warning", 1, 27)]),
        ("select a from t where id = '5' or id = 6", [("warning", 1, 40)]),
        ("select a from t where id = '5'", []),
        ("select a from t where price > 7.5", []),
        ("select a from t where id = 5", []),
        ("select a from t where a like '5' or a = 'x'", []),
        ("select id = 5.0 from t", []),
    ],
)
def test_a_literal_that_converts_the_column_is_found(
    text: str, expected: Found
) -> None:
    assert found(text, "implicit_cast") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a from t order by a limit 10 offset 500", [("warning", 1, 44)]),
        ("select a from t offset $1", [("warning", 1, 25)]),
        ("select 1 from (select a from t limit 5 offset 9) x", [("warning", 1, 47)]),
        ("select a from t limit 10 offset 0", []),
        ('select "offset" from t limit 10 -- offset 500', []),
    ],
)
def test_a_page_behind_an_offset_is_found(text: str, expected: Found) -> None:
    assert found(text, "offset_paging") == expected


def test_the_offset_of_another_dialect_is_found() -> None:
    text = "select `a` from `t` order by 1 limit 500, 10"
    assert found(text, "offset_paging", "mysql") == [("warning", 1, 38)]
    assert found(text.replace("500,", ""), "offset_paging", "mysql") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a from t", [("warning", 1, 8)]),
        ("select a from t where b = 1", [("info", 1, 8)]),
        ("select a, count(*) from t group by a", [("info", 1, 8)]),
        ("select a from t where b union select a from u where c", [("info", 1, 8)]),
        ("select row_number() over () from t where b", [("info", 1, 8)]),
        ("select a from t where b = 1 limit 5", []),
        ("(select a from t where b) limit 5", []),
        ("select count(*), max(a) from t", []),
        ("select a from t where t.id = $1 and b", []),
        ("select a from t where 5 = id", []),
        ("select 1", []),
        ("insert into u select a from t", []),
    ],
)
def test_a_result_without_bound_is_found(text: str, expected: Found) -> None:
    assert found(text, "missing_limit") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1 from a, b", [("warning", 1, 18)]),
        ("select 1 from a x, a y where x.i = 1 and y.i = 1", [("warning", 1, 20)]),
        (
            "select 1 from a join b on a.i = b.i, c where c.k > 5",
            [("warning", 1, 38)],
        ),
        ("select 1 from a cross join b", [("info", 1, 28)]),
        ("select 1 from a join b on true", [("info", 1, 22)]),
        ("update a set x = 1 from b where a.i = 1", [("warning", 1, 25)]),
        ("select 1 from a where exists (select 1 from b, c)", [("warning", 1, 48)]),
        ("select 1 from a x, a y where x.id = 1 and y.i = 1", []),
        ("select 1 from a x, a y where x.id = 1 and y.id = $1", []),
        ("select 1 from a x, a y where id = 1 and y.i = 1", [("warning", 1, 20)]),
        ("select 1 from a x, a y where x.id > 1 and y.i = 1", [("warning", 1, 20)]),
        (
            "select 1 from a x, b y, c z where x.id = 1 and y.i = 1 and z.i = 1",
            [("warning", 1, 25)],
        ),
        ("select 1 from a, b where a.i = b.i", []),
        ("select 1 from a, b where i = j", []),
        ("select 1 from a join b using (i)", []),
        ("select 1 from a natural join b", []),
        ("select 1 from a, b, c where a.i = b.i and b.j = c.j", []),
        ("select 1 from a, b where (a.i = b.i and a.k = 1)", []),
        ("select 1 from a, lateral (select 1 from b where b.i = a.i limit 1) x", []),
        ("select 1 from a, unnest(a.tags) u", []),
        ("select 1 from a, generate_series(1, 3) g", []),
        ("select 1 from a, (select max(i) from b) m", []),
        ("select 1 from a, (select i from b order by i limit 1) m", []),
        ("select 1 from a, (select i from b) m", [("warning", 1, 26)]),
        ("delete from a using b where a.i = b.i", []),
        ('select 1 from "A, B"', []),
    ],
)
def test_tables_that_nothing_joins_are_found(text: str, expected: Found) -> None:
    assert found(text, "cartesian_join") == expected


def test_names_and_places_are_those_of_the_text() -> None:
    text = '-- é\nselect "Größe"\nfrom "my table" as "T"\nwhere "T"."a b"::date = $1'
    (one,) = (
        f for f in findings(statements(text, "postgres")[0]) if f.rule == "non_sargable"
    )
    assert tuple(one.place) == (4, 7)
    assert one.why.startswith("a cast to date is compared, not a b itself")


def test_no_finding_carries_a_literal() -> None:
    text = (
        "select * from t where lower(a) = 'alice' and b like '%alice' and id = 4711.0 "
        "and c not in ('alice', null) and d::date = '1999-09-09' offset 4711"
    )
    said = str([f[3:] for f in findings(statements(text, "postgres")[0])])
    assert len(findings(statements(text, "postgres")[0])) >= 7
    assert not any(literal in said for literal in ("alice", "4711", "1999"))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("select a\nfrom where", 2, 6), ("select (1", 1, None), ("selec 1 from", 1, None)],
)
def test_what_cannot_be_parsed_says_where(
    text: str, line: int, column: int | None
) -> None:
    with pytest.raises(ReviewError, match="cannot be parsed") as caught:
        statements(text, "postgres")
    assert caught.value.line == line
    assert column is None or caught.value.column == column


@pytest.mark.parametrize("text", ["select 'alice", "select /* alice", 'select "alice'])
def test_what_does_not_end_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(ReviewError) as caught:
        statements(text, "postgres")
    assert "alice" not in str(caught.value)
