"""pg_stat_statements that is missing, denied, old or elsewhere than usual."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.errors import Reason, SourceError
from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    NEWEST,
    Polled,
    database,
    new_server,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer

CALLS = "pg_stat_statements_calls_total"


async def refused(dsn: str) -> SourceError:
    """Return why statements cannot be read, having seen that settings can."""
    async with reading(dsn) as source:
        with pytest.raises(SourceError) as caught:
            await Polled(source, "statements").poll()
        assert caught.value.answered
        assert source.connections == 1
        assert await Polled(source, "settings").poll() != {}
    return caught.value


async def test_a_missing_extension_is_named_until_it_is_there(
    each_postgres: PostgresServer,
) -> None:
    with database(each_postgres, "bare") as dsn:
        error = await refused(dsn)
        assert error.reason is Reason.UNSUPPORTED
        assert str(error) == "extension pg_stat_statements is missing in database bare"
        assert error.fix == "CREATE EXTENSION pg_stat_statements;"
        with owner(each_postgres, "bare") as session:
            session.execute(error.fix)
        async with reading(dsn) as source:
            assert CALLS in await Polled(source, "statements").poll()


async def test_a_denied_view_names_the_grant(each_postgres: PostgresServer) -> None:
    with (
        database(each_postgres, "denied", "schema public") as dsn,
        owner(each_postgres, "denied") as session,
        role(session, "stranger"),
    ):
        session.execute(
            "revoke execute on function pg_stat_statements(boolean) from public"
        )
        error = await refused(dsn.replace("//postgres:", "//stranger:"))
        assert error.reason is Reason.PERMISSION
        assert error.fix == (
            "GRANT EXECUTE ON FUNCTION pg_stat_statements TO stranger;"
        )
        session.execute(error.fix)
        async with reading(dsn.replace("//postgres:", "//stranger:")) as source:
            assert CALLS in await Polled(source, "statements").poll()


@pytest.mark.parametrize("schema", ["100%", "a%sb", 'a\\"%"{b}', "{schema}"])
async def test_an_extension_is_read_in_a_schema_of_any_name(
    postgres: PostgresServer, schema: str
) -> None:
    quoted = '"' + schema.replace('"', '""') + '"'
    with database(postgres, "odd") as dsn, owner(postgres, "odd") as session:
        session.execute(f"create schema {quoted}".encode())
        command = f"create extension pg_stat_statements schema {quoted}"
        session.execute(command.encode())
        async with reading(dsn, plans={"enabled": True}) as source:
            await Polled(source, "plans").poll()
            statements = Polled(source, "statements")
            for _ in range(5):
                session.execute("select 4711")
                found = await statements.poll()
            assert "pg_stat_statements_query_id" in found


ENCODINGS = [
    ("SQL_ASCII", "UTF8", b'select 1 as "\xff\xfe"'),
    ("EUC_JP", "LATIN1", b'select 1 as "\xa4\xa2"'),
]


@contextmanager
def unreadable(
    server: PostgresServer, encoding: str, ours: str, text: bytes
) -> Iterator[str]:
    """Run a text that the database that is read, of encoding `ours`, cannot have."""
    with owner(server) as session, role(session, "watcher", "pg_monitor"):
        for name, code in (("raw", encoding), ("ours", ours)):
            options = "lc_collate 'C' lc_ctype 'C' template template0"
            command = f"create database {name} encoding '{code}' {options}"
            session.execute(command.encode())
        try:
            with owner(server, "raw") as raw:
                raw.execute(f"set client_encoding = '{encoding}'".encode())
                raw.pgconn.exec_(text)
            with owner(server, "ours") as client:
                client.execute("create extension pg_stat_statements")
            yield server.dsn("ours", "watcher")
        finally:
            session.execute("drop database raw with (force)")
            session.execute("drop database ours with (force)")
            session.execute("select pg_stat_statements_reset()")


@pytest.mark.parametrize(("encoding", "ours", "text"), ENCODINGS)
async def test_a_text_of_another_encoding_takes_no_figure_away(
    each_postgres: PostgresServer, encoding: str, ours: str, text: bytes
) -> None:
    with unreadable(each_postgres, encoding, ours, text) as dsn:
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            before = await polled.poll()
            with owner(each_postgres) as session:
                for _ in range(4):
                    session.execute("select 815")
                    found = await polled.poll()
    assert sum(found[CALLS].values()) > sum(before[CALLS].values())
    assert ours in str(source.parts["texts of statements"])


@pytest.mark.parametrize("first", ["plans", "statements"])
async def test_texts_that_are_refused_are_not_asked_for_at_each_poll(
    postgres: PostgresServer, first: str
) -> None:
    log = postgres.folder / "postgres.log"
    with unreadable(postgres, *ENCODINGS[0]) as dsn:
        said = log.stat().st_size
        async with reading(dsn, plans={"enabled": True}) as source:
            for name in (first, "statements", "plans"):
                polled = Polled(source, name)
                for _ in range(12):
                    await polled.poll()
    assert log.read_bytes()[said:].count(b"pg_stat_statements(true)") == 1


async def test_a_closed_schema_names_the_grant(postgres: PostgresServer) -> None:
    with (
        database(postgres, "closed") as dsn,
        owner(postgres, "closed") as session,
        role(session, "stranger"),
    ):
        session.execute('create schema "My Tools"')
        session.execute('create extension pg_stat_statements schema "My Tools"')
        error = await refused(dsn.replace("//postgres:", "//stranger:"))
        assert error.reason is Reason.PERMISSION
        async with reading(dsn) as source:
            assert CALLS in await Polled(source, "statements").poll()


async def test_an_extension_that_moves_is_found_again(postgres: PostgresServer) -> None:
    with (
        database(postgres, "moving", "schema public") as dsn,
        owner(postgres, "moving") as session,
    ):
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            assert CALLS in await polled.poll()
            session.execute("create schema elsewhere")
            session.execute("alter extension pg_stat_statements set schema elsewhere")
            with pytest.raises(SourceError):
                await polled.poll()
            assert CALLS in await polled.poll()


async def test_a_server_that_did_not_load_the_library_says_what_to_set() -> None:
    with open_folder() as folder:
        server = new_server(folder / "data")
        server.settings["shared_preload_libraries"] = ""
        server.start()
        try:
            with owner(server) as session:
                session.execute("create extension pg_stat_statements")
            error = await refused(server.dsn())
        finally:
            server.stop()
    assert error.reason is Reason.UNSUPPORTED
    assert (error.fix or "").startswith("shared_preload_libraries = ")


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10", "1.11"])
async def test_an_extension_older_than_its_server_is_read_as_it_is(
    postgres: PostgresServer, version: str
) -> None:
    with database(postgres, "upgraded", f"version '{version}'") as dsn:
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            assert CALLS in await polled.poll()
            update = "ALTER EXTENSION pg_stat_statements UPDATE;"
            assert (update in dict(await polled.inspect()).values()) == (NEWEST >= 18)


async def test_an_extension_too_old_for_its_server_is_to_be_updated(
    postgres: PostgresServer,
) -> None:
    with database(postgres, "ancient", "version '1.7'") as dsn:
        error = await refused(dsn)
        assert error.reason is Reason.UNSUPPORTED
        assert error.fix == "ALTER EXTENSION pg_stat_statements UPDATE;"
        with owner(postgres, "ancient") as session:
            session.execute(error.fix)
        async with reading(dsn) as source:
            assert CALLS in await Polled(source, "statements").poll()


async def test_more_statements_than_the_view_holds_are_evicted_and_harm_no_sum() -> (
    None
):
    with open_folder() as folder:
        few = {"pg_stat_statements.max": "100"}
        server = new_server(folder / "data", NEWEST, few)
        server.start()
        try:
            with owner(server) as session:
                session.execute("create extension pg_stat_statements")
                async with reading(server.dsn(), statements={"top": 20}) as source:
                    polled = Polled(source, "statements")
                    sums, series = [], set[int]()
                    for _ in range(4):
                        for number in range(150):
                            columns = ", ".join(["1"] * (number + 1))
                            session.execute(f"select {columns}".encode())
                        found = await polled.poll()
                        sums.append(sum(found[CALLS].values()))
                        series.add(len(found[CALLS]))
        finally:
            server.stop()
    assert found["pg_stat_statements_dealloc_total"][()] > 0
    assert sums == sorted(sums)
    assert sums[0] == 0
    assert sums[-1] > 100
    assert max(series) <= 20 + 2  # the rest of each database


async def test_one_id_of_several_tables_is_one_series(
    each_postgres: PostgresServer,
) -> None:
    """From 18 on the id is made of the table's name, not of which table it is."""
    with (
        database(each_postgres, "twins", "schema public") as dsn,
        owner(each_postgres, "twins") as session,
    ):
        for schema in ("one", "two"):
            session.execute(f"create schema {schema}; create table {schema}.t (a int)")
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            for _ in range(2):
                for schema in ("one", "two"):
                    session.execute(f"set search_path = {schema}, public")
                    session.execute("select a from t")
                await polled.poll()
            session.execute("select a from t")
            found = await polled.poll()
            version = source.version
        ids = session.execute(
            "select count(distinct queryid) from pg_stat_statements"
            " where query = 'select a from t'"
        ).fetchone()
    assert ids == ((1,) if version >= 180000 else (2,))
    mine = [n for (_, name, query), n in found[CALLS].items() if name == "twins"]
    assert sum(mine) >= 3
