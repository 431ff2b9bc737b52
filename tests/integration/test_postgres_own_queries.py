"""Own queries on a real server: deadlines, failures, rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.postgres_fixtures import Polled, owner, reading

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer

SUCCESS = "pg_own_query_success"
FINE = {"own query fine"}


def own(name: str, sql: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "sql": sql, "metrics": {"size": {"help": "x"}}, **more}


async def test_each_runs_at_its_interval_and_one_failure_harms_no_other(
    each_postgres: PostgresServer,
) -> None:
    queries = [
        own("missing", "select size from no_such_table"),
        own("writing", "select set_config('a.b', txid_current()::text, true) as size"),
        own("slow", "select 1 as size, pg_sleep(60)"),
        own("wrong", "select 'x' as size"),
        own("other", "select 1 as weight"),
        own("many", "select g as size from generate_series(1, 1001) g"),
        own("fine", "select -- kept\n 'a' as kind, 1.5 as size", labels=["kind"]),
    ]
    settings = {"queries": queries, "timeout": "2s"}
    async with reading(each_postgres.dsn(), **settings) as source:
        polled = Polled(source, "own_queries")
        found = await polled.poll()
        assert found["pg_own_fine_size"] == {("a",): 1.5}
        assert {name for (name,), ok in found[SUCCESS].items() if ok} == {"fine"}
        failed = {part for part, error in source.parts.items() if error}
        assert failed == {f"own query {q['name']}" for q in queries} - FINE
        asked = source.queries
        assert await polled.poll() == found
        assert source.queries == asked  # not even a transaction
        problems = dict(await polled.inspect())
        assert "pg_own_wrong: own query wrong: size is not a number" in problems
        assert any("no column size" in problem for problem in problems)
    with owner(each_postgres) as session:
        limits = session.execute(
            "select query from pg_stat_statements "
            "where query ilike 'set local%statement_timeout%'"
        ).fetchall()
    assert limits
    assert all(source.mark in text for (text,) in limits)


async def test_two_slow_ones_harm_no_other_and_are_named(
    postgres: PostgresServer,
) -> None:
    sleep = "select 1 as size, pg_sleep(60)"
    queries = [own("s1", sleep), own("s2", sleep), own("last", "select 2 as size")]
    async with reading(postgres.dsn(), queries=queries) as source:
        found = await Polled(source, "own_queries").poll()
    assert found["pg_own_last_size"] == {(): 2}
    assert found[SUCCESS] == {("s1",): 0, ("s2",): 0, ("last",): 1}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select 'x' as kind, g as size from generate_series(1, 2) g", "same labels"),
        ("select repeat('x', 1001) as kind, 1 as size", "longer than 1000"),
    ],
)
async def test_labels_that_cannot_be_shown_are_a_finding(
    postgres: PostgresServer, sql: str, why: str
) -> None:
    queries = [own("odd", sql, labels=["kind"])]
    async with reading(postgres.dsn(), queries=queries) as source:
        polled = Polled(source, "own_queries")
        assert (await polled.poll())[SUCCESS] == {("odd",): 0}
        ((problem, _),) = await polled.inspect()
    assert why in problem


async def test_what_is_not_due_stays_as_it_was(postgres: PostgresServer) -> None:
    with owner(postgres) as session:
        session.execute("create table jobs as select 1 as id")
        try:
            often = own("often", "select count(*) as size from jobs", interval="600ms")
            seldom = own("seldom", "select count(*) as size from jobs", interval="1h")
            settings = {"queries": [often, seldom]}
            async with reading(postgres.dsn(), **settings) as source:
                polled = Polled(source, "own_queries")
                await polled.poll()
                session.execute("insert into jobs select 2; select pg_sleep(0.2)")
                found = await polled.poll()
        finally:
            session.execute("drop table jobs")
    assert found["pg_own_often_size"] == {(): 2}
    assert found["pg_own_seldom_size"] == {(): 1}
