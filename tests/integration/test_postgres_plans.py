"""Plans on real servers: never run, within time, refusals by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from tests.integration.postgres_fixtures import (
    Polled,
    database,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer
    from tests.unit.sampled import Values

ON = {"plans": {"enabled": True}}
GENERIC_SINCE = 160000


def worst(found: Values) -> set[str | None]:
    return {labels[2] for labels in found.get("pg_plan_info", {})}


def changes(found: Values) -> float:
    return sum(found["pg_plan_changes_total"].values())


async def test_a_dropped_index_is_a_change_of_plan_and_of_cost(
    each_postgres: PostgresServer,
) -> None:
    with (
        database(each_postgres, "planned", "schema public") as dsn,
        owner(each_postgres, "planned") as session,
        psycopg.connect(dsn, autocommit=True) as client,
    ):
        session.execute(
            "create table things as select g as id from generate_series(1, 20000) g"
        )
        session.execute("create index things_id on things (id)")
        session.execute("analyze things")
        client.execute("select * from things where id = %s", (5,))
        async with reading(dsn, **ON) as source:
            polled = Polled(source, "plans")
            before = await polled.poll()
            session.execute("drop index things_id")
            after = await polled.poll()
            (table,) = await polled.evidence()
    assert "Seq Scan on things" not in worst(before)
    assert changes(before) == 0
    assert "Seq Scan on things" in worst(after)
    assert changes(after) == 1
    assert max(after["pg_plan_cost_ratio"].values()) > 10
    assert table.rows[0][2] == "select * from things where id = $1"
    drawn = [(row[0], row[2]) for row in table.rows[1:]]
    assert drawn[:2] == [("now", drawn[0][1]), (None, "Seq Scan on things")]
    assert drawn[2][0] == "before"
    assert any("things_id" in str(node) for _, node in drawn[3:5])


async def test_filters_leave_out_users_and_databases(postgres: PostgresServer) -> None:
    kept: tuple[dict[str, object], ...] = (
        {},
        {"users": {"exclude": ["web"]}},
        {"databases": {"exclude": ["planned"]}},
    )
    with (
        database(postgres, "planned", "schema public") as dsn,
        owner(postgres, "planned") as session,
        role(session, "web"),
    ):
        with psycopg.connect(dsn.replace("//postgres:", "//web:")) as client:
            client.execute("select count(*) from pg_class where relname = 'x'")
        planned = []
        for filters in kept:
            async with reading(dsn, **ON, **filters) as source:
                found = await Polled(source, "plans").poll()
                planned.append(any("pg_class" in str(w) for w in worst(found)))
    assert planned == [True, False, False]


async def test_nothing_is_executed_and_refusals_have_kinds(
    each_postgres: PostgresServer,
) -> None:
    with (
        database(each_postgres, "planned", "schema public") as dsn,
        owner(each_postgres, "planned") as session,
        role(session, "watcher", "pg_monitor"),
    ):
        session.execute("create table secrets (id int)")
        session.execute("create sequence runs")
        session.execute("select nextval('runs')")
        session.execute("select * from secrets")
        session.execute("select now() - interval '3 days'")
        async with reading(dsn.replace("//postgres:", "//watcher:"), **ON) as source:
            polled = Polled(source, "plans")
            for _ in range(2):
                found = await polled.poll()
            problems = await polled.inspect()
        assert session.execute("select last_value from runs").fetchone() == (1,)
        prepared = session.execute("select count(*) from pg_prepared_statements")
        assert prepared.fetchone() == (0,)
    assert found["pg_plan_refusals_total"]["permission",] >= 2
    assert any("GRANT pg_read_all_data TO watcher" in fix for _, fix in problems)


async def test_a_locked_table_is_not_waited_for(postgres: PostgresServer) -> None:
    with (
        database(postgres, "planned", "schema public") as dsn,
        owner(postgres, "planned") as session,
        psycopg.connect(dsn) as locker,
    ):
        session.execute("create table locked (id int)")
        session.execute("select * from locked")
        locker.execute("lock table locked in access exclusive mode")
        async with reading(dsn, **ON) as source:
            found = await Polled(source, "plans").poll()
    assert found["pg_plan_refusals_total"]["lock",] == 1


async def test_nothing_is_planned_unless_it_is_switched_on(
    postgres: PostgresServer,
) -> None:
    async with reading(postgres.dsn()) as source:
        assert await Polled(source, "plans").poll() == {}
