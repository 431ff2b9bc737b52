"""Statement review at real PostgreSQL servers: plans, indexes, rewrites, types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.review.advice import quoted
from tests.integration.postgres_fixtures import role
from tests.integration.reviewed_postgres import all_reviewed, owner_again, reviewed

if TYPE_CHECKING:
    from tests.integration.reviewed_postgres import World


async def test_a_plan_an_index_and_the_reason_come_from_the_planner(
    each_reviewed_world: World,
) -> None:
    found = await reviewed(
        each_reviewed_world.dsn,
        "select o.id from orders o where o.status = 'open' and o.created > now() - "
        "interval '3 days' limit 20000",
    )
    plan = found["plan"]
    assert plan["sequential_scans"] == 1
    assert any(node["name"] == "Seq Scan on orders" for node in plan["nodes"])
    statements = [index["statement"] for index in plan["indexes"]]
    assert statements[0] == (
        "CREATE INDEX CONCURRENTLY ON public.orders (status, created)"
    )
    first = plan["indexes"][0]
    assert first["proof"] == "estimate"
    assert "not proved" in first["why"]
    assert first["cost_after"] < first["cost_before"]

    each_reviewed_world.session.execute(statements[0])
    each_reviewed_world.session.execute("analyze orders")
    after = await reviewed(
        each_reviewed_world.dsn,
        "select o.id from orders o where o.status = 'open' and o.created > now() - "
        "interval '3 days' limit 20000",
    )
    assert after["plan"]["sequential_scans"] == 0
    assert after["plan"]["cost"] < plan["cost"]
    assert after["plan"]["indexes"] == []


async def test_a_rewrite_gives_the_same_rows_and_its_own_plan(
    each_reviewed_world: World,
) -> None:
    session = each_reviewed_world.session
    session.execute(
        "create index on orders (created); create index on orders (user_id)"
    )
    session.execute("set timezone = 'Asia/Tokyo'")
    day, year = session.execute(
        "select (now() - interval '5 days')::date::text, "
        "extract(year from now() - interval '5 days')::int"
    ).fetchone() or (None, None)
    texts = [
        f"select o.id from orders o where {condition} order by o.id"
        for condition in (
            f"o.created::date = '{day}'",
            f"date_trunc('day', o.created) = '{day}'",
            f"date(o.created) = date '{day}'",
            f"extract(year from o.created) = {year}",
            "o.user_id + 1 = 10",
            "1990 < o.user_id + 1",
            "coalesce(o.user_id, 0) = 7",
            "o.user_id not in (select u.id from users u where u.id > 3)",
        )
    ]
    found = await all_reviewed(
        each_reviewed_world.dsn, ";\n".join(texts), literals=True
    )
    cheaper = 0
    for text, one in zip(texts, found, strict=True):
        (rewrite,) = one["rewrites"]
        before = session.execute(text.encode()).fetchall()
        assert session.execute(rewrite["text"].encode()).fetchall() == before
        assert before, text
        cheaper += rewrite["plan"]["cost"] < one["plan"]["cost"]
    assert cheaper >= 6


async def test_types_of_the_server_decide_what_is_converted(
    reviewed_world: World,
) -> None:
    conversions = {
        "select note from orders where id = 5.0": (1, "id (int8)"),
        "select 1 from orders o join users u on o.note = u.email": (1, "note (bpchar)"),
        "select 1 from orders o join users u on o.id = u.id limit 1": (0, ""),
        "select 1 from users where id = '5' or id = 6": (0, ""),
        "select 1 from users where email = '5.0'": (0, ""),
    }
    for text, (count, column) in conversions.items():
        found = await reviewed(reviewed_world.dsn, text)
        whys = [f["why"] for f in found["findings"] if f["rule"] == "implicit_cast"]
        assert len(whys) == count, text
        assert all(why.startswith(column) for why in whys)


async def test_a_locked_table_is_not_waited_for(reviewed_world: World) -> None:
    with owner_again(reviewed_world.dsn) as locker, locker.transaction():
        locker.execute("lock table users in access exclusive mode")
        found = await reviewed(reviewed_world.dsn, "select id from users where id = 1")
    assert found["plan"] == {"refused": "lock"}


async def test_what_a_role_may_not_read_is_refused_in_a_word(
    reviewed_world: World,
) -> None:
    with role(reviewed_world.session, "stranger"):
        dsn = reviewed_world.dsn.replace("//postgres:", "//stranger:")
        found = await reviewed(dsn, "select email from users where email = 'alice'")
    assert found["plan"] == {"refused": "permission"}


async def test_words_of_the_server_do_not_carry_literals(reviewed_world: World) -> None:
    found = await reviewed(
        reviewed_world.dsn, "select id from users where id = 'alice'"
    )
    assert found["plan"] == {
        "refused": "a value does not fit the type that it is compared with"
    }
    assert "alice" not in str(found)


async def test_what_the_server_does_not_know_is_said_by_its_kind(
    each_reviewed_world: World,
) -> None:
    operator = "there is no operator for {}: cast one side to the other's type"
    texts = {
        "select 1 from alice where id = 1": "there is no such table",
        "select 1 from alice.users where id = 1": "there is no such table",
        'select id from users where "alice" = 1': "there is no such column",
        "select id from users where email = 4711": operator.format("text = integer"),
        "select id from users where date(id) = '2024-01-02'": (
            "there is no such function, or not for these types"
        ),
        "select id from users where id = 1 and id": "types do not match",
        "select id, max(email) from users": (
            "a column is neither grouped by nor aggregated"
        ),
    }
    found = await all_reviewed(each_reviewed_world.dsn, ";".join(texts))
    assert [one["plan"] for one in found] == [
        {"refused": why} for why in texts.values()
    ]
    assert not any(
        word in str([o["plan"] for o in found]) for word in ("alice", "4711")
    )


async def test_a_server_that_is_away_costs_the_plans_alone() -> None:
    dsn = "postgresql://monitor@127.0.0.1:1/orders"
    found = await reviewed(dsn, "select * from orders where id = 1")
    assert [f["rule"] for f in found["findings"]] == ["select_star"]
    assert found["plan"]["refused"].startswith("connect: ")


async def test_parameters_are_planned_without_values(
    each_reviewed_world: World,
) -> None:
    found = await reviewed(
        each_reviewed_world.dsn, "select id from users where id = $1"
    )
    assert "users_pkey" in found["plan"]["dearest"]


async def test_no_connection_is_left(reviewed_world: World) -> None:
    await reviewed(reviewed_world.dsn, "select id from users where id = 1")
    count = reviewed_world.session.execute(
        "select count(*) from pg_stat_activity where datname = 'reviewed' "
        "and application_name = 'kpi-exporter' and state <> 'idle'"
    ).fetchone()
    assert count == (0,)


async def test_every_reserved_word_is_quoted(reviewed_world: World) -> None:
    words = reviewed_world.session.execute(
        "select word from pg_get_keywords() where catcode in ('R', 'T')"
    ).fetchall()
    assert len(words) > 90
    assert [word for (word,) in words if not quoted(word).startswith('"')] == []


async def test_what_an_index_on_the_expression_serves_is_no_finding(
    each_reviewed_world: World,
) -> None:
    each_reviewed_world.session.execute(
        "alter table orders add at timestamp default '2024-01-01'; "
        "create index on orders (lower(note)); create index on orders ((at::date)); "
        "create index on orders (date_trunc('day', at)); "
        "create index on orders ((id + 1)); analyze orders; "
        "create table places (id int, data jsonb); create index on places (id); "
        "insert into places select g from generate_series(1, 5000) g; "
        "create index on users (lower(email) text_pattern_ops); analyze users, places"
    )
    texts = {
        "select id from orders where lower(note) = 'k77'": 0,
        "select id from orders o where lower(o.note) in ('k77', 'k78')": 0,
        "select id from orders where at::date = '2020-01-01'": 0,
        "select id from orders where date_trunc('day', at) = '2020-01-01'": 0,
        "select id from orders where id + 1 = 7": 0,
        "select id from users where lower(email) like 'u77%'": 0,
        "select 1 from users u join orders o on lower(o.note) = u.email "
        "where u.id = 1": 0,
        "select id from orders where upper(note) = 'K77'": 1,
        "select id from orders where id = 5 and id::text = '5'": 1,
        "select id from orders where lower(note) = 'k77' and upper(note) = 'K77'": 1,
        "select id from places where id = 5 and id + 1 = 7": 1,
    }
    found = await all_reviewed(each_reviewed_world.dsn, ";".join(list(texts)[:8]))
    found += await all_reviewed(each_reviewed_world.dsn, ";".join(list(texts)[8:]))
    for (text, count), one in zip(texts.items(), found, strict=True):
        rules = [f["rule"] for f in one["findings"]]
        assert rules.count("non_sargable") == count, (text, one["plan"])
        assert "served" not in one["plan"]
        assert not any("expression" in finding for finding in one["findings"])
