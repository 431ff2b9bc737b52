"""Servers that are set up against us: strange defaults, functions in our way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.integration.postgres_fixtures import (
    COLLECTORS,
    Polled,
    database,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer

# The server's own are for any array or type, so that these fit better.
IN_OUR_WAY = (
    *("unnest(bigint[])", "unnest(smallint[])", "unnest(oid[])", "unnest(text[])"),
    *("cardinality(text[])", "array_to_string(text[], text)", "count(bigint)"),
)
_RAISE = """
create function public.{} returns {} language plpgsql as $$
begin raise exception 'ran as %', current_user; end $$
"""


async def test_functions_in_public_never_run_in_our_name(
    each_postgres: PostgresServer,
) -> None:
    with (
        database(each_postgres, "hostile", "schema public") as dsn,
        owner(each_postgres, "hostile") as session,
        role(session, "watcher", "pg_monitor"),
    ):
        for function in IN_OUR_WAY:
            kind = function.partition("(")[2].partition("[")[0]
            kind = f"setof {kind}" if function.startswith("unnest") else "bigint"
            session.execute(_RAISE.format(function, kind).encode())
        session.execute(
            _RAISE.format("differs(name, name)", "boolean").encode()
            + b"; create operator public.!~"
            b" (leftarg = name, rightarg = name, function = public.differs)"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="ran as postgres"):
            session.execute("select * from unnest('{1}'::int8[])")
        ours = dsn.replace("//postgres:", "//watcher:")
        async with reading(ours, indexes="developer-mesh") as source:
            for name, collector in COLLECTORS.items():
                polled = Polled(source, name)
                for _ in range(2):
                    await polled.poll()
                if collector.inspect:
                    await polled.inspect()


async def test_own_queries_and_plans_see_names_as_our_role_does(
    each_postgres: PostgresServer,
) -> None:
    jobs = {"sql": "select a from jobs", "metrics": {"a": {"help": "Jobs."}}}
    failing = {"sql": "select 1 / 0 as a", "metrics": {"a": {"help": "None."}}}
    with (
        database(each_postgres, "paths", "schema public") as dsn,
        owner(each_postgres, "paths") as session,
    ):
        session.execute("create schema app; create table app.jobs as select 7 as a")
        session.execute("alter database paths set search_path = app, public")
        with owner(each_postgres, "paths") as client:
            client.execute("select a from jobs where a > 3")
        wanted = {"jobs": jobs, "failing": failing, "more": jobs}
        queries = [{"name": name, **query} for name, query in wanted.items()]
        async with reading(dsn, queries=queries, plans={"enabled": True}) as source:
            found = await Polled(source, "own_queries").poll()
            plans = await Polled(source, "plans").poll()
    assert found["pg_own_jobs_a"] == found["pg_own_more_a"] == {(): 7}
    assert "Seq Scan on jobs" in {worst for _, _, worst in plans["pg_plan_info"]}


async def test_a_server_of_serializable_transactions_is_read_while_others_write(
    each_postgres: PostgresServer,
) -> None:
    with (
        database(each_postgres, "serial", "schema public") as dsn,
        owner(each_postgres, "serial") as session,
    ):
        session.execute("create table t (a int)")
        for setting in ("isolation = serializable", "deferrable = on"):
            command = f"alter database serial set default_transaction_{setting}"
            session.execute(command.encode())
        with psycopg.connect(dsn) as writer:
            writer.execute("insert into t values (1)")
            async with reading(dsn) as source:
                assert await Polled(source, "activity").poll() != {}
                assert await Polled(source, "statements").poll() != {}
