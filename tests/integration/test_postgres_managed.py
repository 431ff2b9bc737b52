"""A server that denies functions, as managed services do: the rest is read, and said.

Aurora refuses some by a message of its own when they are called: in one database,
functions that do so have taken their names.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.integration.postgres_fixtures import (
    COLLECTORS,
    Polled,
    database,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer

REFUSED = (
    *("pg_current_wal_lsn()", "pg_last_wal_receive_lsn()", "pg_last_wal_replay_lsn()"),
    *("pg_stat_get_wal()", "pg_stat_get_wal_receiver()", "pg_ls_waldir()"),
)
TYPES = {"pg_stat_get_wal()": "record", "pg_stat_get_wal_receiver()": "record"}
OURS = ("replication", "replication_slots", "wal", "wal_receiver", "wal_files")
_REFUSE = """
alter function pg_catalog.{function} rename to refused_{name};
create function pg_catalog.{function} returns {type} language plpgsql as $$ begin
    raise exception 'Function {function} is currently not supported for Aurora'
        using errcode = 'feature_not_supported';
end $$
"""


@contextmanager
def aurora(server: PostgresServer) -> Iterator[str]:
    """Give the dsn of a role for which functions are refused when they are called."""
    with (
        database(server, "managed", "schema public") as dsn,
        owner(server, "managed") as session,
        role(session, "watcher", "pg_monitor"),
    ):
        session.execute("set allow_system_table_mods = on")
        there = {
            f"{name}()" for (name,) in session.execute("select proname from pg_proc")
        }
        for function in there.intersection(REFUSED):
            named = {"function": function, "name": function.removesuffix("()")}
            kind = TYPES.get(function, "pg_lsn")
            session.execute(_REFUSE.format(**named, type=kind).encode())
        session.execute(
            "alter view pg_catalog.pg_stat_wal_receiver rename to refused;"
            "create view pg_catalog.pg_stat_wal_receiver as"
            " select pg_current_wal_lsn()::text as status;"
            "grant select on pg_catalog.pg_stat_wal_receiver to public"
        )
        yield dsn.replace("//postgres:", "//watcher:")


async def test_what_aurora_refuses_fails_no_collector(
    each_postgres: PostgresServer,
) -> None:
    with aurora(each_postgres) as dsn:
        async with reading(dsn) as source:
            found = {name: await Polled(source, name).poll() for name in COLLECTORS}
            asked = source.queries
            await Polled(source, "replication").poll()
            assert source.queries - asked == 3  # begin, the row, commit
    assert found["replication"]["pg_replication_is_replica"] == {(): 0}
    assert found["replication"]["pg_replication_lag_seconds"] == {(): 0}
    assert "pg_wal_written_bytes_total" not in found["replication"]
    assert (found["wal"], found["wal_receiver"]) == ({}, {})
    assert found["wal_files"] == {"pg_wal_ready_files": {(): 0}}


async def test_check_says_what_is_refused(each_postgres: PostgresServer) -> None:
    with aurora(each_postgres) as dsn:
        async with reading(dsn) as source:
            said = {name: await Polled(source, name).inspect() for name in OURS}
            version = source.version
    for name in OURS if version >= 140000 else set(OURS) - {"wal"}:
        assert said[name]
        assert all("not supported for Aurora" in missing for missing, _ in said[name])
        assert {fix for _, fix in said[name]} == {"none where the service refuses it"}


async def test_a_function_that_is_denied_is_named_with_its_grant(
    each_postgres: PostgresServer,
) -> None:
    with (
        database(each_postgres, "managed", "schema public") as dsn,
        owner(each_postgres, "managed") as session,
        role(session, "watcher", "pg_monitor"),
    ):
        session.execute("revoke execute on function pg_ls_waldir from pg_monitor")
        ours = dsn.replace("//postgres:", "//watcher:")
        async with reading(ours) as source:
            assert await Polled(source, "wal_files").inspect() == [
                (
                    "how much WAL is kept: permission denied for function pg_ls_waldir",
                    "GRANT EXECUTE ON FUNCTION pg_ls_waldir TO watcher;",
                )
            ]
        async with reading(ours) as source:
            files = Polled(source, "wal_files")
            assert await files.poll() == {"pg_wal_ready_files": {(): 0}}
            session.execute("grant execute on function pg_ls_waldir to watcher")
            assert "pg_wal_size_bytes" in await files.poll()
