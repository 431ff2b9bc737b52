"""Statement review at real PostgreSQL servers: planned, advised, and never executed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from exporter.review.answer import review
from exporter.review.shape import MOST_PLANNED, Asked, ReviewError
from tests.integration.postgres_fixtures import database, owner, role, target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer
    from tests.integration.postgres_fixtures import Owner

SCHEMA = """
create table users (id int primary key, email text not null, banned bool);
insert into users select g, 'u' || g || '@x', false from generate_series(1, 2000) g;
create table orders (
    id bigint primary key, user_id int, status text, created timestamptz, note bpchar(9)
);
insert into orders select g, g % 2000,
    case when g % 500 = 0 then 'open' else 'done' end,
    now() - g * interval '1 minute', 'x'
    from generate_series(1, 50000) g;
create sequence numbers;
create table canary (runs int);
insert into canary values (0);
create view spy as select id from users;
analyze;
"""


class World(NamedTuple):
    """A database with something to lose; `seen` is where the server's log stood."""

    dsn: str
    session: Owner
    log: Path
    seen: int

    def sprung(self) -> int:
        """Count the traps that the server ran, by its log."""
        return self.log.read_text("utf-8")[self.seen :].count("sprung by")


@contextmanager
def world(server: PostgresServer) -> Iterator[World]:
    with (
        database(server, "reviewed", "schema public") as dsn,
        owner(server, "reviewed") as session,
    ):
        session.execute(SCHEMA)
        log = server.process.log
        yield World(dsn, session, log, len(log.read_text("utf-8")))


@pytest.fixture
def each_world(each_postgres: PostgresServer) -> Iterator[World]:
    with world(each_postgres) as made:
        yield made


@pytest.fixture
def newest(postgres: PostgresServer) -> Iterator[World]:
    with world(postgres) as made:
        yield made


async def reviewed(dsn: str, text: str, **asked: Any) -> dict[str, Any]:
    """Review one statement at a server; returns what is said of it."""
    (found,) = await all_reviewed(dsn, text, **asked)
    return found


async def all_reviewed(dsn: str, text: str, **asked: Any) -> list[dict[str, Any]]:
    config = target(dsn)
    config.name_it("orders")
    answer = await review(Asked(text, target="orders", **asked), config)
    assert answer["executed"] is False
    found: list[dict[str, Any]] = answer["statements"]
    return found


async def test_a_plan_an_index_and_the_reason_come_from_the_planner(
    each_world: World,
) -> None:
    found = await reviewed(
        each_world.dsn,
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

    each_world.session.execute(statements[0])
    each_world.session.execute("analyze orders")
    after = await reviewed(
        each_world.dsn,
        "select o.id from orders o where o.status = 'open' and o.created > now() - "
        "interval '3 days' limit 20000",
    )
    assert after["plan"]["sequential_scans"] == 0
    assert after["plan"]["cost"] < plan["cost"]
    assert after["plan"]["indexes"] == []


async def test_a_rewrite_gives_the_same_rows_and_its_own_plan(
    each_world: World,
) -> None:
    session = each_world.session
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
    found = await all_reviewed(each_world.dsn, ";\n".join(texts), literals=True)
    cheaper = 0
    for text, one in zip(texts, found, strict=True):
        (rewrite,) = one["rewrites"]
        before = session.execute(text.encode()).fetchall()
        assert session.execute(rewrite["text"].encode()).fetchall() == before
        assert before, text
        cheaper += rewrite["plan"]["cost"] < one["plan"]["cost"]
    assert cheaper >= 6


async def test_types_of_the_server_decide_what_is_converted(newest: World) -> None:
    conversions = {
        "select note from orders where id = 5.0": (1, "id (int8)"),
        "select 1 from orders o join users u on o.note = u.email": (1, "note (bpchar)"),
        "select 1 from orders o join users u on o.id = u.id limit 1": (0, ""),
        "select 1 from users where id = '5' or id = 6": (0, ""),
        "select 1 from users where email = '5.0'": (0, ""),
    }
    for text, (count, column) in conversions.items():
        found = await reviewed(newest.dsn, text)
        whys = [f["why"] for f in found["findings"] if f["rule"] == "implicit_cast"]
        assert len(whys) == count, text
        assert all(why.startswith(column) for why in whys)


HARMFUL = (
    "select nextval('numbers')",
    "select setval('numbers', 99)",
    "select pg_terminate_backend({pid})",
    "select pg_cancel_backend({pid})",
    "select set_config('work_mem', '64kB', false)",
    "select lo_import('/etc/hostname')",
    "select lo_create(4711)",
    "select pg_advisory_lock(4711)",
    "select pg_sleep(3)",
    "select pg_read_file('postgresql.conf')",
    "select * from pg_ls_dir('.')",
    "select query_to_xml('update canary set runs = 1', true, true, '')",
    "select sneaky()",
    "select public.lower(1)",
    "select lower(1)",
    "select 1 where 1 && 2",
    "select 1 where 'a'::odd = 'b'",
    "select id from spying",
    "select id from users for update",
    "select id into stolen from users",
    "with gone as (delete from canary returning *) select * from gone",
    "with more as (insert into canary values (1) returning *) select * from more",
    "with more as (update canary set runs = 1 returning *) select * from more",
    "insert into canary values (1)",
    "update canary set runs = 1",
    "delete from canary",
    "copy canary to program 'touch /tmp/stolen'",
    "do $$ begin update canary set runs = 1; end $$",
    "create table stolen (id int)",
    "drop table canary",
    "truncate canary",
    "vacuum canary",
    "explain analyze update canary set runs = 1",
    "call doing()",
    "execute prepared",
    "set work_mem = '64kB'",
    "select 'a\\', nextval('numbers')",
    "select e'a\\'' , nextval('numbers')",
    "select 1\x0bfrom\x0bcanary\x0bfor\x0bupdate",
    "commit",
)
UNREADABLE = (
    "select 'a\\'' , nextval('numbers') --'",
    "analyze select 1",
    "(format json, analyze) update canary set runs = 1",
    "select 'a\\'; update canary set runs = 1; --",
    "select 1 /* ; update canary set runs = 1",
)
TRAPS = """
create function trap(text) returns int language plpgsql immutable as
    $$ begin raise log 'sprung by %', $1; return 1; end $$;
create function sneaky() returns int immutable language plpgsql as
    $$ begin return trap('a function'); end $$;
create function public.lower(int) returns int immutable language plpgsql as
    $$ begin return trap('an overloaded function'); end $$;
create function same(int, int) returns bool immutable language plpgsql as
    $$ begin return trap('an operator') > 0; end $$;
create operator && (leftarg = int, rightarg = int, function = same);
create function flip(bool) returns bigint immutable language plpgsql as
    $$ begin return trap('a cast'); end $$;
create cast (bool as bigint) with function flip(bool);
create view spying as select id from users where sneaky() > 0;
create domain odd as text check (public.lower(1) > 0);
create procedure doing() language sql as 'update canary set runs = 1';
"""


async def test_nothing_hostile_is_executed_by_any_version(each_world: World) -> None:
    assert await _survives(each_world, [*chunked(HARMFUL)]) == len(HARMFUL)


async def test_nothing_hostile_is_executed_when_it_comes_alone(newest: World) -> None:
    await _survives(newest, [[text] for text in (*HARMFUL[::6], *UNREADABLE)])


def chunked(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give as many texts at a time as are planned of one."""
    for start in range(0, len(texts), MOST_PLANNED):
        yield texts[start : start + MOST_PLANNED]


async def _survives(made: World, texts: Sequence[Sequence[str]]) -> int:
    """Review what would do harm, and see that it is refused and nothing was done.

    Returns how many statements were reviewed.
    """
    dsn, session, count = made.dsn, made.session, 0
    session.execute(TRAPS.encode())
    with owner_again(dsn) as canary:
        pid = str(canary.info.backend_pid)
        session.execute("select pg_stat_statements_reset()")
        for several in texts:
            text = "\n;\n".join(several).replace("{pid}", pid)
            plans = await planned(dsn, text)
            assert all("refused" in plan for plan in plans), text
            count += len(plans)
        assert canary.execute("select 1").fetchone() == (1,)
    assert made.sprung() == 0
    _unharmed(session)
    return count


def _unharmed(session: Owner) -> None:
    """See that nothing was changed, and that the server ran none of it."""
    (numbers,) = session.execute("select last_value, is_called from numbers")
    assert numbers == (1, False)
    assert session.execute("select runs from canary").fetchall() == [(0,)]
    assert session.execute("select to_regclass('stolen')").fetchone() == (None,)
    assert session.execute(
        "select count(*) from pg_largeobject_metadata"
    ).fetchone() == (0,)
    held = "select count(*) from pg_locks where locktype = 'advisory'"
    assert session.execute(held).fetchone() == (0,)
    ran = session.execute(
        "select query from public.pg_stat_statements s join pg_database d "
        "on d.oid = s.dbid where d.datname = 'reviewed' and query ~* "
        "'canary|numbers|sneaky|pg_sleep|lo_|pg_ls_dir|pg_read_file|set_config' "
        "and query !~* 'explain|last_value|runs from|pg_catalog|deallocate|prepare'"
    ).fetchall()
    assert ran == []


@contextmanager
def owner_again(dsn: str) -> Iterator[Owner]:
    with psycopg.connect(dsn, autocommit=True) as session:
        yield session


async def planned(dsn: str, text: str) -> list[dict[str, Any]]:
    """Return the plan of each statement; none when the text is refused."""
    try:
        return [one["plan"] for one in await all_reviewed(dsn, text)]
    except ReviewError:
        return []


SPRINGING = (
    "select sneaky()",
    "select lower(1)",
    "select id from users where 1 && 2",
    "select id from users where id = true::bigint",
    "select id from spying",
)


@pytest.mark.parametrize("text", SPRINGING)
async def test_a_trap_is_sprung_by_planning_but_not_by_a_review(
    newest: World, text: str
) -> None:
    newest.session.execute(TRAPS.encode())
    found = await reviewed(newest.dsn, text)
    assert "refused" in found["plan"]
    assert newest.sprung() == 0
    newest.session.execute(f"explain {text}".encode())
    assert newest.sprung() > 0


async def test_a_locked_table_is_not_waited_for(newest: World) -> None:
    with owner_again(newest.dsn) as locker, locker.transaction():
        locker.execute("lock table users in access exclusive mode")
        found = await reviewed(newest.dsn, "select id from users where id = 1")
    assert found["plan"] == {"refused": "lock"}


async def test_what_a_role_may_not_read_is_refused_in_a_word(newest: World) -> None:
    with role(newest.session, "stranger"):
        dsn = newest.dsn.replace("//postgres:", "//stranger:")
        found = await reviewed(dsn, "select email from users where email = 'alice'")
    assert found["plan"] == {"refused": "permission"}


async def test_words_of_the_server_do_not_carry_literals(newest: World) -> None:
    found = await reviewed(newest.dsn, "select id from users where id = 'alice'")
    assert found["plan"] == {"refused": "not_plannable"}
    assert "alice" not in str(found)


async def test_a_server_that_is_away_costs_the_plans_alone() -> None:
    dsn = "postgresql://monitor@127.0.0.1:1/orders"
    found = await reviewed(dsn, "select * from orders where id = 1")
    assert [f["rule"] for f in found["findings"]] == ["select_star"]
    assert found["plan"]["refused"].startswith("connect: ")


async def test_parameters_are_planned_without_values(each_world: World) -> None:
    found = await reviewed(each_world.dsn, "select id from users where id = $1")
    assert "users_pkey" in found["plan"]["dearest"]


async def test_no_connection_is_left(newest: World) -> None:
    await reviewed(newest.dsn, "select id from users where id = 1")
    count = newest.session.execute(
        "select count(*) from pg_stat_activity where datname = 'reviewed' "
        "and application_name = 'kpi-exporter' and state <> 'idle'"
    ).fetchone()
    assert count == (0,)
