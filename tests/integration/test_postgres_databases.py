"""All databases of a server through one dsn: which, in what order, at what cost."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from exporter.errors import Reason, SourceError
from tests.integration.postgres_fixtures import (
    DEADLINE,
    database,
    our_sessions,
    owner,
    reading,
    role,
    soon,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource

ODD = ['it\'s "quoted"', "dbname=postgres host=x", "postgresql://h/x", "ü {b} %s \\"]


class Where(NamedTuple):
    """Where a read runs."""

    name: str


async def where(source: PostgresSource) -> str:
    (row,) = await source.fetch(Where, "select current_database()::text as name")
    return row.name


async def each(source: PostgresSource, read: Any = where) -> dict[str, Any]:
    """Read in each database, as a poll does."""
    await source.connect(DEADLINE)
    found: dict[str, Any] = await source.run(lambda s: s.each(read), DEADLINE)
    return found


@contextlib.contextmanager
def databases(server: PostgresServer, *names: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(database(server, name))
        yield


async def test_a_read_runs_in_every_database_whatever_its_name(
    each_postgres: PostgresServer,
) -> None:
    with databases(each_postgres, *ODD), owner(each_postgres) as session:
        async with reading(each_postgres.dsn()) as source:
            for _ in range(2):
                found = await each(source)
                assert found == {name: name for name in [*ODD, "postgres"]}
            assert source.connections == our_sessions(session) == 5
            assert source.coverage.failed == {}


async def test_each_read_elsewhere_is_a_read_only_transaction_with_timeouts(
    postgres: PostgresServer,
) -> None:
    async def state(source: PostgresSource) -> list[tuple[Any, ...]]:
        return await source.tuples(
            "select current_setting('transaction_read_only'), "
            "current_setting('statement_timeout'), current_setting('lock_timeout')"
        )

    with databases(postgres, "a"):
        async with reading(postgres.dsn()) as source:
            found = await each(source, state)
            before = source.queries
            await each(source, state)
            assert source.queries - before == 2 + 1 + 1 + 3
    assert found["postgres"] == [("on", "1600ms", "200ms")]
    assert found["a"] == [("on", "800ms", "100ms")]


async def test_filters_say_which_databases_are_read(postgres: PostgresServer) -> None:
    with databases(postgres, "a", "b"):
        wanted: dict[str, Any] = {"databases": {"include": ["a", "nowhere"]}}
        async with reading(postgres.dsn(), **wanted) as source:
            assert await each(source) == {"a": "a"}
        wanted = {"databases": {"exclude": ["a"]}}
        async with reading(postgres.dsn(), **wanted) as source:
            assert await each(source) == {"b": "b", "postgres": "postgres"}


async def test_beyond_the_budget_the_busiest_are_read_and_stay(
    postgres: PostgresServer,
) -> None:
    with databases(postgres, "idle", "busy"), owner(postgres, "busy") as session:
        for _ in range(60):
            session.execute("select 1")
        session.execute("select pg_stat_force_next_flush()")
        async with reading(postgres.dsn(), connections=2) as source:
            assert set(await each(source)) == {"busy", "postgres"}
            assert source.coverage.beyond == ("idle",)
            with owner(postgres, "idle") as other:
                for _ in range(300):
                    other.execute("select 1")
                other.execute("select pg_stat_force_next_flush()")
            assert set(await each(source)) == {"busy", "postgres"}
        async with reading(postgres.dsn(), connections=1) as source:
            assert set(await each(source)) == {"postgres"}
            assert source.coverage.beyond == ("idle", "busy")


async def test_a_database_that_comes_or_goes_is_noticed(
    postgres: PostgresServer,
) -> None:
    async with reading(postgres.dsn()) as source:
        assert set(await each(source)) == {"postgres"}
        with databases(postgres, "a"):
            assert set(await each(source)) == {"a", "postgres"}
        assert set(await each(source)) == {"postgres"}
        assert source.connections == 1


async def test_what_fails_in_one_database_harms_no_other(
    postgres: PostgresServer,
) -> None:
    async def read(source: PostgresSource) -> list[tuple[Any, ...]]:
        return await source.tuples("select count(*) from public.here")

    with databases(postgres, "a", "b"), owner(postgres, "b") as session:
        session.execute("create table here ()")
        async with reading(postgres.dsn()) as source:
            assert await each(source, read) == {"b": [(0,)]}
            failed = source.coverage.failed
            reasons = {name: error.reason for name, error in failed.items()}
            assert reasons == dict.fromkeys(("a", "postgres"), Reason.UNSUPPORTED)
            assert str(failed["a"]).startswith("database a: relation")
            assert set(await each(source)) == {"a", "b", "postgres"}
            session.execute("drop table here")
            with pytest.raises(SourceError) as caught:
                await each(source, read)
            assert (caught.value.reason, caught.value.answered) == (
                Reason.UNSUPPORTED,
                True,
            )


async def test_a_database_that_we_may_not_enter_is_named_with_its_grant(
    postgres: PostgresServer,
) -> None:
    with databases(postgres, "My shop"), owner(postgres) as session:
        session.execute('revoke connect on database "My shop" from public')
        with role(session, "monitor"):
            async with reading(postgres.dsn(user="monitor")) as source:
                assert set(await each(source)) == {"postgres"}
                (error,) = source.coverage.failed.values()
                assert error.reason is Reason.PERMISSION
                assert error.fix == 'GRANT CONNECT ON DATABASE "My shop" TO monitor;'
                session.execute(str(error.fix))
                assert set(await each(source)) == {"My shop", "postgres"}


async def test_a_database_that_hangs_costs_half_of_the_deadline_and_then_nothing(
    postgres: PostgresServer,
) -> None:
    async def read(source: PostgresSource) -> str:
        name = await where(source)
        if name == "a":
            await source.tuples("select pg_sleep(60)")
        return name

    with databases(postgres, "a", "b"):
        async with reading(postgres.dsn(), timeout="1s") as source:
            started = time.monotonic()
            assert set(await each(source, read)) == {"b", "postgres"}
            assert time.monotonic() - started < 1
            assert source.coverage.failed["a"].reason is Reason.TIMEOUT


async def test_the_last_connections_are_left_to_clients(
    mortal_postgres: PostgresServer,
) -> None:
    with (
        databases(mortal_postgres, "a", "b"),
        contextlib.ExitStack() as crowd,
        owner(mortal_postgres) as session,
    ):
        async with reading(mortal_postgres.dsn()) as source:
            while True:
                (free,) = session.execute(
                    "select 18 - count(*) from pg_stat_activity where datid > 0"
                )
                if free[0] <= 5:
                    break
                crowd.enter_context(psycopg.connect(mortal_postgres.dsn()))
            assert set(await each(source)) == {"a", "postgres"}
            assert source.coverage.failed["b"].reason is Reason.LIMIT
            crowd.close()
            soon(lambda: our_sessions(session) == 2)
            assert set(await each(source)) == {"a", "b", "postgres"}


async def test_three_hundred_databases_are_found_and_the_budget_holds(
    mortal_postgres: PostgresServer,
) -> None:
    with owner(mortal_postgres) as session:
        for number in range(300):
            session.execute(f"create database d{number} strategy file_copy")
        async with reading(mortal_postgres.dsn()) as source:
            assert len(await each(source)) == 10
            assert source.databases == {"read": 10, "failed": 0, "beyond_budget": 291}
            assert our_sessions(session) == source.connections == 10
