"""What may reach a planner: only what is known to do no more than read."""

from __future__ import annotations

import pytest

from exporter.review.shape import Refusal, ReviewError
from exporter.review.sql.allowed import FUNCTIONS
from exporter.review.sql.expansion import MOST, expansion
from exporter.review.sql.read import statements
from exporter.review.sql.safe import Planned, Unsafe, plannable


def planned(text: str) -> Planned:
    (statement,) = statements(text, "postgres")
    return plannable(statement)


def refused(text: str) -> str:
    with pytest.raises(Unsafe) as caught:
        planned(text)
    return str(caught.value)


EVERY_DAY = """
select a, t.b from t where a = 1 and b in ('x', 'y') order by a limit 5
select count(*) filter (where a > 1), sum(b) over (partition by c) from t
with recursive r(n) as (values (1) union all select n + 1 from r) select n from r
select a from t left join u using (i), lateral (select 1) x where not exists (select 1)
select now() - interval '1 day', a::date, b::numeric(10, 2), c at time zone 'utc'
select data ->> 'k', data @> '{}'::jsonb, tags[1], array[1, 2] from t
select pg_catalog.lower(a), extract(year from b), trim(a), substring(a from 1)
select x.a, y.b from (values (1, 2)) as x(a, b), unnest($1::int[]) as y(b)
select case when a then 1 end, coalesce(a, b), nullif(a, b), greatest(a, b) from t
select "lower" from "Select" as "count" where "count"."from" = $2
select a from t group by grouping sets ((a), ()) having max(b) > 1 union select 2
select a from t where b is distinct from c and d similar to 'x' and e ~* 'y'
"""


@pytest.mark.parametrize("text", EVERY_DAY.strip().splitlines())
def test_queries_of_every_day_are_planned(text: str) -> None:
    assert planned(text).text


def test_units_are_written_as_indexes_have_them() -> None:
    text = planned("select 'DATE_TRUNC(' from t where date_trunc('day', a) = $1").text
    assert text == "SELECT 'DATE_TRUNC(' FROM t WHERE date_trunc('day', a) = $1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("delete from t", "not delete statements"),
        ("insert into t select 1", "not insert statements"),
        ("create table t (a int)", "not other statements"),
        ("copy t to program 'x'", "not other statements"),
        ("do $$ begin end $$", "not other statements"),
        ("explain analyze delete from t", "not other statements"),
        ("set a = 1", "not other statements"),
        ("lock t", "not other statements"),
        ("with x as (delete from t returning *) select * from x", "delete is not"),
        ("with x as (insert into t values (1)) select 1", "insert is not"),
        ("with x as (update t set a = 1) select 1", "update is not"),
        ("select * from t for update", "lock is not"),
        ("select * from t for key share skip locked", "lock is not"),
        ("select * into u from t", "into is not"),
        ("select a from t tablesample own (1)", "table sample is not"),
        ("select a operator(public.+) b from t", "operator is not"),
        ("select e'a'", "byte string is not"),
        ("select 'a\\'", "backslash"),
        ("select a from t\x0bfor\x0bupdate", "lock is not"),
        ("select 'a\x1bb'", "control character"),
        ("select 9 ^ 9 ^ 9", "powers"),
        ("select 1e1000", "a number is too long"),
        ("select " + "9" * 41, "a number is too long"),
        ("select ''::char(10001)", "length of a type"),
        ("select ''::bit(99999)", "length of a type"),
        ("select 'x'::regclass", "object identifier"),
        ("select @a", "parameters are"),
        ("select " + ", ".join(["aaaaaaaaaaaaaaaaaaaa"] * 1000) + " from t", "longer"),
    ],
)
def test_what_could_do_more_than_read_is_not_planned(text: str, why: str) -> None:
    assert why in refused(text)


@pytest.mark.parametrize(
    "call",
    [
        "pg_terminate_backend(1)",
        "pg_sleep(1)",
        "nextval('s')",
        "set_config('a', 'b', false)",
        "lo_import('/x')",
        "dblink('a', 'b')",
        "dblink_exec('a')",
        "pg_read_file('x')",
        "pg_advisory_lock(1)",
        "query_to_xml('x', true, true, '')",
        "repeat('x', 1000000000)",
        "lpad('x', 1000000000)",
        "current_setting('x')",
        "pg_reload_conf()",
        "pg_notify('a', 'b')",
        "txid_current()",
        "my_function(a)",
        "public.lower('x')",
        "pg_catalog.pg_sleep(1)",
        "factorial(100000)",
        "power(9, 9)",
    ],
)
def test_functions_that_are_not_known_are_not_planned(call: str) -> None:
    refused(f"select {call} from t")
    refused(f"select a from t where {call} = 1")
    refused(f"select a from t where b in (select {call})")


def test_a_function_in_from_is_judged_as_well() -> None:
    assert "pg_ls_dir" in refused("select * from pg_ls_dir('.') as d(name)")
    assert "pg_ls_dir" in refused("select * from t, lateral pg_ls_dir(t.a) as d")


def test_an_alias_with_columns_is_no_function_but_hides_none() -> None:
    assert planned("select evil.a from (values (1)) as evil(a)")
    assert "evil" in refused("select evil(1) from (values (1)) as evil(a)")


def test_the_server_is_asked_about_every_name() -> None:
    found = planned(
        'select lower(a), b::mood, c::own.shade from s.t join "U" u using (i), '
        "(select 1) x where d = $3"
    )
    assert found.functions == ("lower",)
    assert found.types == ("mood", "shade")
    assert found.tables == ('"U"', "s.t")
    assert {"a", "b", "c", "d"} <= {*found.columns}
    assert found.parameters == 3


def test_comments_and_dollar_quotes_do_not_reach_the_server() -> None:
    found = planned("select $q$it's$q$ /* ; */ -- ;\n from t -- '")
    assert found.text == "SELECT 'it''s' FROM t"


def test_a_name_cannot_end_its_quotes() -> None:
    found = planned('select "a""; drop table x --" from t')
    assert found.text == 'SELECT "a""; drop table x --" FROM t'


def test_only_functions_without_effects_are_allowed() -> None:
    forbidden = {"nextval", "setval", "set_config", "pg_sleep", "repeat", "lpad"}
    assert not FUNCTIONS & forbidden
    assert not [name for name in FUNCTIONS if name.startswith(("pg_", "lo_", "dblink"))]


def nested(levels: int, column: str) -> str:
    text = "select a as x from t"
    for _ in range(levels):
        text = f"select {column} as x from ({text}) s"
    return text


def test_subqueries_that_multiply_are_counted() -> None:
    (plain,) = statements(nested(12, "s.x"), "postgres")
    (doubled,) = statements(nested(14, "s.x || s.x"), "postgres")
    assert expansion(plain.tree) < 50
    assert expansion(doubled.tree) > MOST
    assert "multiplied" in refused(nested(14, "x || x"))


def test_ctes_that_multiply_are_counted_in_any_order() -> None:
    parts = ["c0 as (select a as x from t)"]
    parts += [f"c{i} as (select x + x as x from c{i - 1})" for i in range(1, 15)]
    assert "multiplied" in refused(f"with {', '.join(parts)} select x from c14")


def test_a_recursive_cte_is_not_taken_for_one_that_multiplies() -> None:
    repeated = "select 1 as n union all select n + n from r"
    assert planned(f"with recursive r as ({repeated}) select n from r")


SENSELESS = (
    "select a lateral from t where a = 1",
    "select lateral end",
    "select ~ ~ a from t",
    "select 1 . returning * array[1]",
    "select where (select a in 1) , from t",
    "select interval q'[x]'",
    "select a from t where a = 1 . pg_catalog",
)


@pytest.mark.parametrize("text", SENSELESS)
def test_what_the_parser_lets_pass_without_sense_is_not_planned(text: str) -> None:
    with pytest.raises((Unsafe, ReviewError)) as caught:
        planned(text)
    assert getattr(caught.value, "kind", Refusal.UNREADABLE) is Refusal.UNREADABLE
