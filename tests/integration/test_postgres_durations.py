"""How long statements took, on real servers of all versions."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    Polled,
    database,
    new_server,
    owner,
    reading,
    role,
    soon,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer
    from tests.unit.sampled import Values

BUCKET = "pg_statement_duration_seconds_bucket"
COUNT = "pg_statement_duration_seconds_count"
SUM = "pg_statement_duration_seconds_sum"
SLOWER = "pg_statements_slower_total"
SINCE_QUERY_IDS = 14


def as_user(dsn: str, user: str) -> str:
    return dsn.replace("//postgres:", f"//{user}:")


def slower(found: Values, threshold: str) -> list[float]:
    bounds = ("least", "estimate", "most")
    return [found[SLOWER]["timed", threshold, bound] for bound in bounds]


async def test_calls_are_counted_by_how_long_they_took(
    each_postgres: PostgresServer,
) -> None:
    with (
        database(each_postgres, "timed", "schema public") as dsn,
        owner(each_postgres, "timed") as session,
        role(session, "web"),
        psycopg.connect(as_user(dsn, "web"), autocommit=True) as client,
    ):
        client.execute("select pg_sleep(0)")
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            before = await polled.poll()
            began = time.monotonic()
            for wait in (0.06, 0.6, 0.0):
                client.execute("select pg_sleep(%s)", (wait,))
            took = time.monotonic() - began
            after = await polled.poll()
            (table,) = await polled.evidence()
    labels = ("timed",)
    slept = next(row for row in table.rows if row[1] == "web")
    assert (slept[0], slept[3], slept[7:10]) == ("timed", 3, (1, 1, 1))
    assert before[COUNT][labels] == 0
    assert after[COUNT][labels] >= 3
    assert 0.65 <= after[SUM][labels] <= took
    assert slower(after, "0.05") == [2, 2, 2]
    assert slower(after, "0.5") == [1, 1, 1]
    assert after[BUCKET]["timed", "0.05"] == after[COUNT][labels] - 2
    assert after[BUCKET]["timed", "+Inf"] == after[COUNT][labels]


async def test_extremes_that_were_reset_amid_calls_bound_nothing(
    postgres: PostgresServer,
) -> None:
    with (
        database(postgres, "timed", "schema public") as dsn,
        owner(postgres, "timed") as session,
        role(session, "web"),
        psycopg.connect(as_user(dsn, "web"), autocommit=True) as client,
    ):
        for _ in range(3):
            client.execute("select pg_sleep(0.03)")
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            await polled.poll()
            client.execute("select pg_sleep(0.13)")
            session.execute("select pg_stat_statements_reset(0, 0, 0, true)")
            for wait in (0.02, 0.09, 0.08, 0.07, 0.06, 0.05):
                client.execute(f"select pg_sleep({wait})".encode())
            least, _, most = slower(await polled.poll(), "0.1")
    assert least <= 1 <= most


async def test_running_statements_are_looked_at_from_14_on(
    each_postgres: PostgresServer,
) -> None:
    with database(each_postgres, "timed", "schema public") as dsn:
        settings = {"sampling": {"interval": "200ms"}}
        async with reading(dsn, **settings) as source:
            await Polled(source, "statements").poll()
            async with await psycopg.AsyncConnection.connect(dsn) as session:
                await session.execute("select pg_sleep(0.9)")
            looks = source.running()
            knows = source.version >= SINCE_QUERY_IDS * 10000
            ages = [age for seen in looks.ages.values() for age in seen]
            assert (looks.looks > 0, source.connections) == (knows, 1 + knows)
            assert (max(ages, default=0.0) > 0.3) == knows
            assert all(0 <= age < 1.5 for age in ages)


async def test_looking_can_be_switched_off(postgres: PostgresServer) -> None:
    settings = {"sampling": {"enabled": False}}
    async with reading(postgres.dsn(), **settings) as source:
        await Polled(source, "statements").poll()
        assert (source.running().looks, source.connections) == (0, 1)


async def test_closing_ends_the_looking_too(
    postgres: PostgresServer,
) -> None:
    settings = {"sampling": {"interval": "200ms"}}
    async with reading(postgres.dsn(), **settings) as source:
        await Polled(source, "statements").poll()
        await asyncio.sleep(0.3)
        assert source.connections == 2
    with owner(postgres) as session:
        soon(
            lambda: (
                session.execute(
                    "select 1 from pg_stat_activity "
                    "where application_name = 'kpi-exporter'"
                ).fetchone()
                is None
            )
        )


@pytest.mark.parametrize("limit", ["80ms", "300ms"])
async def test_a_limit_of_ones_own_has_a_bucket(
    postgres: PostgresServer, limit: str
) -> None:
    async with reading(postgres.dsn()) as source:
        seconds = int(limit.removesuffix("ms")) / 1000
        source.config.promise((seconds,))
        found = await Polled(source, "statements").poll()
        assert ("postgres", repr(seconds)) in found[BUCKET]
        assert ("postgres", f"{seconds:g}", "most") in found[SLOWER]


@contextmanager
def logging(**settings: str) -> Iterator[tuple[PostgresServer, Path]]:
    """Run a server that logs what takes 50 ms, and return where."""
    with open_folder() as folder:
        server = new_server(folder / "data")
        log = folder / "data" / "log"
        server.settings |= {
            "logging_collector": "on",
            "log_destination": "csvlog",
            "log_directory": str(log),
            "log_min_duration_statement": "50ms",
            **settings,
        }
        server.start()
        try:
            with owner(server) as session, role(session, "web"):
                session.execute("create extension pg_stat_statements")
                yield server, log
        finally:
            server.stop()


@pytest.mark.parametrize(
    "settings",
    [
        {"log_destination": "csvlog"},
        {"log_destination": "jsonlog"},
        {"log_destination": "csvlog,jsonlog"},
        {"log_statement": "all", "log_duration": "on"},
    ],
)
async def test_the_log_makes_what_is_slow_exact(settings: dict[str, str]) -> None:
    with logging(**settings) as (server, log):
        found = await logged(server, log)
    assert found["pg_statement_duration_source"]["log",] == 1
    bounds = ("least", "estimate", "most")
    shown = [found[SLOWER]["postgres", "0.1", bound] for bound in bounds]
    assert shown == [4, 4, 4]


async def test_the_log_of_a_user_that_is_left_out_is_left_out() -> None:
    with logging() as (server, log), owner(server) as session, role(session, "shop"):
        users = {"exclude": ["web"]}
        async with reading(server.dsn(), log=str(log), users=users) as source:
            polled = Polled(source, "statements")
            await polled.poll()
            run_as(server, "shop", "select 4711")
            await polled.poll()
            run_as(server, "web", "select pg_sleep(0.2)")
            run_as(server, "shop", "select 4711")
            (file,) = log.glob("*.csv")
            soon(lambda: "select pg_sleep(0.2)" in file.read_text())
            found = await polled.poll()
    assert found["pg_statement_duration_source"]["log",] == 1
    assert found[COUNT]["postgres",] >= 2
    assert found[SLOWER]["postgres", "0.1", "most"] == 0


def run_as(server: PostgresServer, user: str, statement: str) -> None:
    with psycopg.connect(as_user(server.dsn(), user), autocommit=True) as client:
        client.execute(statement.encode())


async def test_a_log_that_is_written_elsewhere_says_nothing() -> None:
    with logging(log_destination="stderr") as (server, log):
        (log / "old.csv").touch()
        found = await logged(server, log)
    assert found["pg_statement_duration_source"] == {("estimate",): 1}


async def logged(server: PostgresServer, log: Path) -> Values:
    """Poll around twenty-four calls, four of which are slow."""
    with psycopg.connect(as_user(server.dsn(), "web"), autocommit=True) as client:
        client.execute("select pg_sleep(0)")
        async with reading(server.dsn(), log=str(log)) as source:
            polled = Polled(source, "statements")
            await polled.poll()
            for wait in [0.0] * 20 + [0.2] * 4:
                client.execute("select pg_sleep(%s)", (wait,))
            await asyncio.sleep(0.5)
            return await polled.poll()
