"""pg_stat_monitor, which is not to be had here: its functions over a table of ours.

The extension is made of SQL alone, after the signatures of its version 2, and found by
PostgreSQL 18 in a folder of the test. All that is ours is real: how it is found, asked,
added up, and what is said where it is refused.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from exporter.demo.servers.process import hand_over
from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    Polled,
    database,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer

CONTROL = "default_version = '{version}'\nrelocatable = false\n"
SCRIPT = """
create table counted (bucket_start_time timestamptz, dbid oid, userid oid,
    application_name text, toplevel boolean, elevel int, total_exec_time float8,
    resp_calls text);
grant select on counted to public;
create function pg_stat_monitor_internal(showtext boolean) returns setof counted
    language sql as 'select * from @extschema@.counted where not showtext';
create function get_histogram_timings() returns text language sql
    as $$select '{{0.000 - 1.000}, (1.000 - 100.000}, (100.000 - ...}}'$$;
"""
CALL = """
insert into counted select date_trunc('minute', now()), d.oid, u.oid, %s, %s, %s, 900,
    '1,20,3' from pg_database d, pg_roles u
where d.datname = current_database() and u.rolname = %s
"""
BUCKET = "pg_statement_duration_seconds_bucket"
SOURCE = "pg_statement_duration_source"
SLOWER = "pg_statements_slower_total"


@contextmanager
def monitored(
    server: PostgresServer, version: str = "2.1", schema: str = "public"
) -> Iterator[str]:
    """Make a database with an extension of that name for a while."""
    with open_folder() as folder, database(server, "watched", "schema public") as dsn:
        place = folder / "extension"
        place.mkdir()
        (place / "pg_stat_monitor.control").write_text(CONTROL.format(version=version))
        (place / f"pg_stat_monitor--{version}.sql").write_text(SCRIPT)
        hand_over(place)
        with psycopg.connect(dsn, autocommit=True) as session:
            path = f"{folder}:$system"
            session.execute(
                "select set_config('extension_control_path', %s, false)", [path]
            )
            session.execute(f"create schema if not exists {schema}")
            session.execute(f"create extension pg_stat_monitor schema {schema}")
        yield dsn


async def test_its_counts_are_shown_instead_of_the_estimate(
    postgres: PostgresServer,
) -> None:
    with monitored(postgres) as dsn, owner(postgres, "watched") as session:
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            await polled.poll()
            session.execute(CALL, ("shop", True, 0, "postgres"))
            before = await polled.poll()
            for left_out in (
                ("kpi-exporter", True, 0),
                ("shop", False, 0),
                ("", True, 21),
            ):
                session.execute(CALL, (*left_out, "postgres"))
            session.execute(CALL, ("shop", True, None, "postgres"))
            after = await polled.poll()
    assert before[BUCKET]["watched", "+Inf"] == 0  # a new series begins there
    edges = {le: n for (name, le), n in after[BUCKET].items() if name == "watched"}
    assert edges == {"0.001": 2, "0.1": 42, "+Inf": 48}
    assert after["pg_statement_duration_seconds_sum"]["watched",] == 1.8
    bounds = [after[SLOWER]["watched", "0.1", b] for b in ("least", "estimate", "most")]
    assert bounds == [6, 6, 6]
    assert after[SOURCE] == {("pg_stat_monitor",): 1}


async def test_users_are_filtered(postgres: PostgresServer) -> None:
    kept = {"users": {"exclude": ["web"]}}
    with (
        monitored(postgres) as dsn,
        owner(postgres, "watched") as session,
        role(session, "web"),
    ):
        async with reading(dsn, **kept) as source:
            polled = Polled(source, "statements")
            session.execute(CALL, ("shop", True, 0, "postgres"))
            await polled.poll()
            session.execute(CALL, ("shop", True, 0, "web"))
            found = await polled.poll()
    assert found[BUCKET]["watched", "+Inf"] == 0


async def test_it_is_read_in_a_schema_with_a_per_cent_sign(
    postgres: PostgresServer,
) -> None:
    with monitored(postgres, schema='"100%"') as dsn:
        async with reading(dsn) as source:
            polled = Polled(source, "statements")
            assert (await polled.poll())[SOURCE] == {("pg_stat_monitor",): 1}
            assert not any("pg_stat_monitor" in said for said in await polled.inspect())


async def test_a_version_before_2_is_left_alone(postgres: PostgresServer) -> None:
    with monitored(postgres, "1.0") as dsn:
        async with reading(dsn) as source:
            found = await Polled(source, "statements").poll()
    assert found[SOURCE] == {("estimate",): 1}


async def test_where_it_is_refused_durations_are_estimated_and_check_says_so(
    postgres: PostgresServer,
) -> None:
    with (
        monitored(postgres) as dsn,
        owner(postgres, "watched") as session,
        role(session, "watcher", "pg_monitor"),
    ):
        session.execute(
            "revoke execute on function pg_stat_monitor_internal from public"
        )
        async with reading(dsn.replace("//postgres:", "//watcher:")) as source:
            polled = Polled(source, "statements")
            found = await polled.poll()
            fixes = [fix for _, fix in await polled.inspect()]
    assert found[SOURCE] == {("estimate",): 1}
    grant = "GRANT EXECUTE ON FUNCTION pg_stat_monitor_internal TO watcher;"
    assert grant in fixes
