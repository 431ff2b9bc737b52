"""End to end: what one process says of a PostgreSQL that does not show everything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import TOKEN, ExporterProcess, open_folder, run
from tests.integration.monitored_postgres import ours, owner, prepare, started
from tests.integration.verdicts import (
    HOST,
    SOON,
    TIMES,
    failing,
    healthy,
    new_reasons,
    polled_after,
    recovers,
    tells_no_secret,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer

COUNT = "select count(*) from pg_class"
ODD = "qu\"o'te\nand {line} \\".ljust(63, "x")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[PostgresServer]:
    """Keep running, while tests change rights and locks in its databases."""
    server = started(folder, 18)
    with owner(server) as session:
        name = psycopg.sql.Identifier(ODD)
        session.execute(psycopg.sql.SQL("create database {}").format(name))
    prepare(server, ODD)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def exporter(folder: Path, server: PostgresServer) -> Iterator[ExporterProcess]:
    redis = RedisServer(folder / "redis", password=TOKEN)
    redis.start()
    names = {"orders": "orders", "odd": ODD}
    config = {
        "postgres": {
            target: {"dsn": server.dsn(name, "monitor"), "connections": 1, **TIMES}
            for target, name in names.items()
        },
        "redis": {"bystander": {"url": redis.url, **TIMES}},
        "host": HOST,
    }
    with ExporterProcess(folder / "exporter", config) as process:
        yield process
        tells_no_secret(process)
    redis.stop()


def test_a_missing_extension_fails_its_collector_alone(
    exporter: ExporterProcess, server: PostgresServer
) -> None:
    healthy(exporter)
    before = ours(server)

    with owner(server, "orders") as session:
        session.execute("drop extension pg_stat_statements")
        page = failing(exporter, "orders", "statements", "unsupported")
        session.execute("create extension pg_stat_statements")

    assert page.samples("pg_stat_statements_calls_total", target="orders") == []
    recovers(exporter, "orders")
    assert ours(server) == before


def test_a_denied_extension_fails_its_collector_alone(
    exporter: ExporterProcess, server: PostgresServer
) -> None:
    healthy(exporter)
    before = ours(server)
    function = "execute on function pg_stat_statements(boolean)"

    with owner(server, "orders") as session:
        session.execute(f"revoke {function} from public".encode())
        failing(exporter, "orders", "statements", "permission")
        session.execute(f"grant {function} to monitor".encode())

    recovers(exporter, "orders")
    assert ours(server) == before


def test_check_says_what_is_missing_and_what_mends_it(server: PostgresServer) -> None:
    with owner(server, "orders") as session:
        session.execute("revoke pg_monitor from monitor")
        session.execute("revoke select on pg_settings from public")
        hidden = check(server, "orders")
        session.execute("grant select on pg_settings to public")
        session.execute("grant pg_monitor to monitor")
    bare = check(server, "postgres")
    good = check(server, "orders")

    assert (hidden.returncode, bare.returncode, good.returncode) == (1, 1, 0)
    assert said(hidden, "settings") == [
        "FAILS",
        "permission: permission denied for view pg_settings",
        "fix: GRANT SELECT ON pg_settings TO monitor;",
    ]
    assert said(hidden, "activity")[1:] == [
        "missing: whether it sees everything: permission denied for view pg_settings",
        "fix: GRANT SELECT ON pg_settings TO monitor;",
    ]
    assert said(bare, "statements")[1:] == [
        "unsupported: extension pg_stat_statements is missing in database postgres",
        "fix: CREATE EXTENSION pg_stat_statements;",
    ]
    assert "works" in said(bare, "activity")[0]


def check(server: PostgresServer, database: str) -> subprocess.CompletedProcess[str]:
    return run("check", "--postgres", server.dsn(database, "monitor"))


def said(done: subprocess.CompletedProcess[str], collector: str) -> list[str]:
    """Return what a check says about a collector, line by line."""
    lines = [line.strip() for line in done.stdout.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{collector} "))
    about = [lines[start].removeprefix(collector).strip()]
    for line in lines[start + 1 :]:
        if " " * 3 in line or line.endswith("reached"):
            break
        about.append(line)
    return about


def test_a_locked_table_of_a_user_harms_nothing(
    exporter: ExporterProcess, server: PostgresServer
) -> None:
    before = healthy(exporter)

    with owner(server, "orders") as session, session.transaction():
        session.execute("create table if not exists t (a int primary key)")
        session.execute("lock table t in access exclusive mode")
        page = polled_after(exporter, "orders", time.time() + 1)

    assert page.works("orders")
    assert new_reasons(page, "orders", before) == set()


def test_a_locked_catalogue_fails_for_lock_and_holds_nobody_up(
    exporter: ExporterProcess, server: PostgresServer
) -> None:
    """The lock is one that the collector stat_database has to wait for."""
    healthy(exporter)
    before = ours(server)

    with owner(server, "orders") as session, session.transaction():
        session.execute("lock table pg_database in access exclusive mode")
        exporter.wait_for(
            lambda page: page.failures("orders", "stat_database").get("lock"), SOON
        )
        page = exporter.page()
        assert page.up("orders") == 1
        assert page.works("bystander")

    recovers(exporter, "orders")
    recovers(exporter, "odd")
    assert ours(server) == before


def test_a_database_with_an_odd_name_is_reached_and_named(
    exporter: ExporterProcess, server: PostgresServer
) -> None:
    page = healthy(exporter)

    assert page.value("pg_stat_database_numbackends", target="odd", datname=ODD) == 1
    named = page.samples("pg_stat_database_numbackends", target="orders", datname=ODD)
    assert len(named) == 1
    assert [database for database, _ in ours(server)] == ["orders", ODD]


def test_one_statement_that_has_two_rows_is_one_series(
    exporter: ExporterProcess, server: PostgresServer
) -> None:
    """At the top level and within a function it is one query id, but counted apart."""
    calls = "pg_stat_statements_calls_total"
    with owner(server, "orders") as session:
        session.execute("set pg_stat_statements.track = 'all'")
        session.execute(
            "create or replace function twice() returns bigint language sql "
            f"as '{COUNT}'"
        )
        call_twice(session, times=5)
        rows = session.execute(
            "select queryid::text, count(*) from pg_stat_statements "
            "where query = %s group by queryid",
            (COUNT,),
        ).fetchall()
        ((queryid, count),) = rows
        assert count == 2
        labels = {"target": "orders", "queryid": queryid}
        page = exporter.wait_for(lambda page: page.samples(calls, **labels), SOON)
        wanted = page.sum(calls, **labels) + 100
        call_twice(session, times=50)
        page = exporter.wait_for(
            lambda page: page.value(calls, **labels) == wanted, SOON
        )

    assert page.sum("kpi_exporter_series_dropped_total", target="orders") == 0


def call_twice(session: psycopg.Connection[Any], times: int) -> None:
    """Run the same statement by itself and within a function."""
    with session.transaction():
        for _ in range(times):
            session.execute("select twice()")
            session.execute(COUNT)
