"""Reads of a healthy PostgreSQL: values, transactions, names, bounds, connections."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest

from exporter.errors import Reason
from tests.integration.postgres_fixtures import (
    COLLECTORS,
    NEWEST,
    SECRET,
    Polled,
    database,
    our_sessions,
    owner,
    reading,
    refusal,
    role,
    run,
    soon,
)

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource

ODD = [
    'it\'s "quoted"',
    "two\nlines",
    "x" * 63,
    "ünïcode {brace} %s \\",
]
VALUES = """
select 9007199254740993::int8 as big, 9007199254740993::numeric as whole,
    0.5::numeric as part, 'NaN'::numeric as nan, 'Infinity'::float8 as infinite,
    1e300::numeric as huge, null::int as nothing, 'tëxt'::text as word,
    'tëxt'::name as name, true as yes
"""


class Row(NamedTuple):
    """The columns of VALUES, in another order."""

    word: str
    name: str
    yes: bool
    nothing: int | None
    big: int
    whole: int
    part: float
    huge: float
    nan: float
    infinite: float


async def test_values_come_as_numbers_and_texts_by_column_name(
    each_postgres: PostgresServer,
) -> None:
    if_infinite = (2**53 + 1, 2**53 + 1, 0.5, 1e300)

    async def read(source: PostgresSource) -> Row:
        (row,) = await source.fetch(Row, VALUES)
        return row

    async with reading(each_postgres.dsn()) as source:
        await source.connect(2)
        row = await source.run(read, 2)
        (binary,) = await run(source, VALUES)
    assert row[:8] == ("tëxt", "tëxt", True, None, *if_infinite)
    assert (math.isnan(row.nan), row.infinite) == (True, math.inf)
    assert isinstance(row.whole, int)
    assert repr(binary) == repr(
        (
            *(2**53 + 1, 2**53 + 1, 0.5, math.nan, math.inf, 1e300),
            *(None, "tëxt", "tëxt", True),
        )
    )


@pytest.mark.parametrize(
    ("encoding", "text"), [("sql_ascii", "caf\ufffd"), ("latin1", "café")]
)
async def test_a_database_of_any_encoding_gives_texts(
    postgres: PostgresServer, encoding: str, text: str
) -> None:
    query = (
        r"select convert_from('\x636166e9'::bytea, current_setting('server_encoding'))"
    )
    with owner(postgres) as session:
        session.execute(f"create database old encoding '{encoding}' template template0")
        try:
            async with reading(postgres.dsn("old")) as source:
                assert await run(source, query) == [(text,)]
                assert (await refusal(source, "select 1/0")).reason is Reason.QUERY
                assert await run(source, query) == [(text,)]
        finally:
            session.execute("drop database old with (force)")


async def test_each_read_is_a_read_only_transaction_with_timeouts(
    each_postgres: PostgresServer,
) -> None:
    state = """
    select current_setting('transaction_read_only'),
        current_setting('statement_timeout'), current_setting('lock_timeout')
    """
    async with reading(each_postgres.dsn()) as source:
        assert await run(source, state) == [("on", "1600ms", "200ms")]
        before = source.queries
        assert await run(source, "select 1") == [(1,)]
        assert source.queries - before == 3


async def test_nothing_stays_set_on_the_session(postgres: PostgresServer) -> None:
    async with reading(postgres.dsn()) as source:
        await run(source, "select 1")
        await refusal(source, "select 1 / 0")
        assert source._connection is not None
        cursor = await source._connection.execute(
            "select name, setting from pg_settings where source = 'session'"
        )
        left = await cursor.fetchall()
        cursor = await source._connection.execute(
            "select * from pg_prepared_statements"
        )
        assert (left, await cursor.fetchall()) == ([], [])


async def test_a_collectors_own_mistake_leaves_the_connection_in_use(
    postgres: PostgresServer,
) -> None:
    async with reading(postgres.dsn()) as source:
        error = await refusal(source, "select * from nowhere")
        assert (error.reason, error.answered) == (Reason.UNSUPPORTED, True)
        assert source.connections == 1
        assert await run(source, "select 1") == [(1,)]


@pytest.mark.parametrize("name", ODD)
async def test_a_database_may_have_any_name(
    postgres: PostgresServer, name: str
) -> None:
    with database(postgres, name, "schema public") as dsn, owner(postgres, name) as own:
        async with reading(dsn, sampling={"enabled": False}) as source:
            statements = Polled(source, "statements")
            await statements.poll()
            own.execute("select 1, 2, 3, 4, 5")
            calls = (await statements.poll())["pg_stat_statements_calls_total"]
            activity = (await Polled(source, "activity").poll())[
                "pg_stat_activity_count"
            ]
            figures = await Polled(source, "stat_database").poll()
    assert ("other", name, "other") in calls
    assert name in {labels[0] for labels in activity}
    backends = figures["pg_stat_database_numbackends"]
    assert [n for (_, datname), n in backends.items() if datname == name] == [2]


async def test_filters_keep_what_is_wanted(postgres: PostgresServer) -> None:
    wanted: dict[str, Any] = {"databases": {"include": ["template1"]}}
    async with reading(postgres.dsn(), **wanted) as source:
        for name in ("stat_database", "activity", "statements"):
            found = await Polled(source, name).poll()
            named = {
                dict(zip(metric.labels, labels, strict=True))["datname"]
                for metric in COLLECTORS[name].metrics
                if "datname" in metric.labels
                for labels in found.get(metric.name, {})
            }
            assert named <= {"template1"}


async def test_a_result_of_millions_of_rows_is_refused_at_small_cost(
    postgres: PostgresServer,
) -> None:
    process = psutil.Process()
    query = "select g, g, g, g from generate_series(1, 5000000) g"
    async with reading(postgres.dsn()) as source:
        await run(source, "select 1")
        before = process.memory_info().rss
        error = await refusal(source, query)
        assert process.memory_info().rss - before < 64 * 2**20
        assert (error.reason, error.answered) == (Reason.LIMIT, True)
        assert len(await run(source, f"{query} limit 100000")) == 100_000
        assert source.connections == 1


async def test_a_slow_read_is_ended_by_the_server_before_the_deadline(
    postgres: PostgresServer,
) -> None:
    async with reading(postgres.dsn(), timeout="500ms") as source:
        await source.connect(2)
        started = time.monotonic()
        error = await refusal(source, "select pg_sleep(60)")
        assert time.monotonic() - started < 1
        assert (error.reason, error.answered) == (Reason.TIMEOUT, True)
        assert source.connections == 1


async def test_a_locked_table_delays_no_collector(postgres: PostgresServer) -> None:
    with owner(postgres) as session:
        session.execute("create table held (a int primary key)")
        session.execute("begin; lock table held in access exclusive mode")
        try:
            async with reading(postgres.dsn()) as source:
                for name in COLLECTORS:
                    started = time.monotonic()
                    await Polled(source, name).poll()
                    assert time.monotonic() - started < 1
        finally:
            session.execute("rollback; drop table held")


async def test_a_locked_catalogue_is_not_waited_for(postgres: PostgresServer) -> None:
    async with reading(postgres.dsn()) as source:
        await run(source, "select 1")
        with owner(postgres) as session:
            session.execute("begin; lock table pg_database in access exclusive mode")
            try:
                started = time.monotonic()
                error = await refusal(source, "select datname from pg_database")
                assert time.monotonic() - started < 1
            finally:
                session.execute("rollback")
        assert (error.reason, error.answered) == (Reason.LOCK, True)
        assert len(await run(source, "select datname from pg_database")) >= 3


async def test_one_connection_serves_all_collectors_and_one_samples(
    postgres: PostgresServer,
) -> None:
    with owner(postgres) as session:
        before = our_sessions(session)
        async with reading(postgres.dsn()) as source:
            for _ in range(5):
                for name in COLLECTORS:
                    await Polled(source, name).poll()
            soon(lambda: source.connections == 2)
            assert our_sessions(session) == before + 2
        assert source.connections == 0
        soon(lambda: our_sessions(session) == before)


async def test_secrets_are_read_at_each_connect(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n")
    with owner(postgres) as session, role(session, "rotated"):
        dsn = f"postgresql://rotated@127.0.0.1:{postgres.port}/postgres"
        async with reading(dsn, password_file=file) as source:
            assert await run(source, "select current_user::text") == [("rotated",)]
            assert source.version // 10000 == NEWEST
            session.execute("alter role rotated password 'hush-4712'")
            file.write_text("hush-4712")
            source.discard()
            assert await run(source, "select current_user::text") == [("rotated",)]
