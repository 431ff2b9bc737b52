"""PostgreSQL where it is not itself: a standby, behind a pooler, with rights lost."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from exporter.demo.servers.process import Process, free_port, hand_over
from exporter.errors import Reason
from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    COLLECTORS,
    DEADLINE,
    SECRET,
    SILENT,
    Polled,
    database,
    failure,
    new_server,
    owner,
    reading,
    role,
    run,
    soon,
)
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource

NOT_HERE = SILENT | {
    *("stat_replication", "replication_slots", "wal_receiver", "sequences")
}
OURS = ("activity", "indexes", "locks", "sessions")
INI = """
[databases]
postgres = host=127.0.0.1 port={server} dbname=postgres
shop = host=127.0.0.1 port={server} dbname=shop
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
"""


@pytest.fixture(params=[13, 14, 15, 16, 17, 18])
def standby(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """Give a server that only replays, with an index that nobody has read."""
    with open_folder() as folder:
        server = new_server(folder / "data", request.param)
        server.start()
        with owner(server) as session:
            session.execute("create extension pg_stat_statements")
            session.execute("create table t (a int); create index unread on t (a)")
        server.stop()
        (server.folder / "data" / "standby.signal").touch()
        server.start()
        try:
            yield server
        finally:
            server.stop()


async def test_a_standby_is_read_like_any_other(standby: PostgresServer) -> None:
    with owner(standby) as session:
        assert session.execute("select pg_is_in_recovery()").fetchone() == (True,)
        session.execute("begin; select * from t")
        async with reading(standby.dsn(), indexes="developer-mesh") as source:
            for name in COLLECTORS:
                found = await Polled(source, name).poll()
                assert found or name in NOT_HERE
            indexes = await Polled(source, "indexes").poll()
            sessions = await Polled(source, "sessions").poll()
    assert indexes["pg_indexes"]["postgres", "valid"] == 1
    assert "pg_index_unused_bytes" not in indexes
    assert sessions["pg_connections"]["idle in transaction",] == 1
    assert sessions["pg_xmin_horizon_age"]["slot",] == 0


@pytest.mark.parametrize(
    "wanted",
    ["standby", "read-only", "read-write&options=-cdefault_transaction_read_only%3Don"],
)
async def test_a_server_that_is_not_of_the_wanted_kind_has_refused_no_password(
    postgres: PostgresServer, wanted: str
) -> None:
    error = await failure(f"{postgres.dsn()}?target_session_attrs={wanted}")
    assert error.reason is Reason.CONNECT
    assert "target_session_attrs" in (error.fix or "")


async def test_a_database_that_is_read_only_is_read(postgres: PostgresServer) -> None:
    with database(postgres, "archive") as dsn:
        with owner(postgres) as session:
            session.execute(
                "alter database archive set default_transaction_read_only = on"
            )
        async with reading(dsn) as source:
            for name in OURS:
                assert await Polled(source, name).poll() != {}


@contextlib.contextmanager
def pooler(server: PostgresServer) -> Iterator[int]:
    """Run pgbouncer in transaction mode before a server; gives its port."""
    port = free_port()
    with open_folder() as folder:
        hand_over(folder / "pooler")
        file = folder / "pooler" / "pgbouncer.ini"
        entries = INI.format(server=server.port, port=port)
        login = f"dbname=\\1 user=postgres password={SECRET}"
        for name in ("postgres", "shop"):
            entries = entries.replace(f"dbname={name}", login.replace("\\1", name))
        file.write_text(entries)
        file.chmod(0o644)
        process = Process(["pgbouncer", str(file)], folder / "pooler" / "log")
        try:
            soon(lambda: answers(port))
            yield port
        finally:
            process.stop()


def answers(port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(f"postgresql://x@127.0.0.1:{port}/postgres").close()
        return True
    return False


async def test_behind_pgbouncer_in_transaction_mode_all_collectors_work(
    mortal_postgres: PostgresServer,
) -> None:
    with owner(mortal_postgres) as session:
        session.execute("create extension pg_stat_statements")
        session.execute("create table rows (a int)")
    with (
        database(mortal_postgres, "shop"),
        database(mortal_postgres, "unknown"),
        pooler(mortal_postgres) as port,
    ):
        url = f"postgresql://x@127.0.0.1:{port}/postgres"
        async with reading(url) as source:
            for name in COLLECTORS:
                found = await Polled(source, name).poll()
                assert found or name in NOT_HERE
            assert source.coverage.read == ("postgres", "shop")
            assert "unknown" in str(source.coverage.failed["unknown"])
            with psycopg.connect(url, autocommit=True) as client:
                client.execute("create table made (a int)")
                limit = client.execute("show statement_timeout").fetchone()
    assert limit == ("0",)


async def test_a_grant_that_is_lost_while_running_is_told_and_costs_no_other(
    each_postgres: PostgresServer,
) -> None:
    with (
        owner(each_postgres) as session,
        database(each_postgres, "shop"),
        role(session, "watcher", "pg_monitor"),
    ):
        async with reading(each_postgres.dsn(user="watcher")) as source:
            sessions, indexes = (Polled(source, n) for n in ("sessions", "indexes"))
            assert ("session",) in (await sessions.poll())["pg_xmin_horizon_age"]
            assert ("shop", "valid") in (await indexes.poll())["pg_indexes"]
            session.execute("revoke pg_monitor from watcher")
            assert ("session",) not in (await sessions.poll())["pg_xmin_horizon_age"]
            fix = "GRANT pg_monitor TO watcher;"
            assert [said for _, said in await sessions.inspect()] == [fix]
            session.execute("revoke connect on database shop from public")
            found = await indexes.poll()
            assert {labels[0] for labels in found["pg_indexes"]} == {"postgres"}
            assert [said for _, said in await indexes.inspect()] == [
                "GRANT CONNECT ON DATABASE shop TO watcher;"
            ]


async def test_what_is_dropped_between_two_queries_fails_nothing(
    postgres: PostgresServer,
) -> None:
    async def read(source: PostgresSource) -> Any:
        with owner(postgres, source.config.dsn.rpartition("/")[2]) as session:
            session.execute("drop table if exists passing")
        return await COLLECTORS["indexes"].read(source)

    with owner(postgres) as session:
        async with reading(postgres.dsn()) as source:
            for _ in range(3):
                session.execute("create table passing (a int primary key)")
                await source.connect(DEADLINE)
                await source.run(read, DEADLINE)
                assert source.coverage.failed == {}


async def test_what_we_ship_opens_every_database_and_takes_rights_away(
    each_postgres: PostgresServer,
) -> None:
    script = (ROOT / "deploy" / "postgres.sql").read_text("utf-8")
    with owner(each_postgres) as session, database(each_postgres, "My shop"):
        session.execute('revoke connect on database "My shop" from public')
        session.execute(f"create role monitor superuser login password '{SECRET}'")
        try:
            session.execute(script)
            async with reading(each_postgres.dsn(user="monitor")) as source:
                indexes = Polled(source, "indexes")
                assert ("My shop", "valid") in (await indexes.poll())["pg_indexes"]
                assert await indexes.inspect() == []
                rights = "select rolsuper from pg_roles where rolname = current_user"
                assert await run(source, rights) == [(False,)]
        finally:
            session.execute('revoke all on database "My shop" from monitor')
            session.execute("drop owned by monitor; drop role monitor")
