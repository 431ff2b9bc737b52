"""Indexes on real servers of all versions: what is wrong with them is found."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from exporter.errors import Reason
from tests.integration.postgres_fixtures import (
    DEADLINE,
    Polled,
    database,
    owner,
    reading,
    role,
    soon,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer
    from tests.unit.sampled import Values

WAITS = "select count(*) from pg_locks where not granted"
TABLES = """
create table tasks (id int primary key, status text, priority int,
    created_at timestamptz default now(), kind text);
insert into tasks select n, 'pending', n % 5 from generate_series(1, 1000) n;
create index "odd ""name" on tasks (kind);
create index tasks_status on tasks (status);
create index tasks_queue on tasks (status, priority desc, created_at)
    where status in ('pending', 'assigned');
create index tasks_status_priority on tasks (status, priority);
create index again on tasks (status, priority);
create index lower_one on tasks (lower(kind));
create index   lower_two on tasks (  lower( kind ) );
create table agents (id int primary key, status text, current_workload int);
create index agents_workload on agents (status, current_workload)
    where status = 'active';
create table sessions (user_id int, last_activity timestamptz);
create index on sessions (last_activity, user_id);
"""


@contextlib.contextmanager
def shop(server: PostgresServer) -> Iterator[str]:
    """Make a database with tables and indexes."""
    with database(server, "shop") as dsn:
        with owner(server, "shop") as session:
            session.execute(TABLES)
        yield dsn


def names(found: Values, metric: str) -> set[str | None]:
    return {labels[3] for labels in found.get(metric, {})}


async def test_unused_and_covered_indexes_are_named(
    each_postgres: PostgresServer,
) -> None:
    with shop(each_postgres):
        with owner(each_postgres, "shop") as session:
            session.execute("set enable_seqscan = off; set enable_bitmapscan = off")
            session.execute("select * from tasks where kind = 'x'")
            session.execute("discard all")
        async with reading(each_postgres.dsn()) as source:
            polled = Polled(source, "indexes")
            found = await polled.poll()
            for _ in range(100):
                if 'odd "name' not in names(found, "pg_index_unused_bytes"):
                    break
                await asyncio.sleep(0.05)  # the server counts when it likes
                found = await polled.poll()
    unused = names(found, "pg_index_unused_bytes")
    assert unused == {
        *("tasks_status", "tasks_queue", "tasks_status_priority", "again"),
        *("lower_one", "lower_two", "agents_workload"),
        "sessions_last_activity_user_id_idx",
    }
    sizes = found["pg_index_unused_bytes"]
    assert sizes["shop", "public", "tasks", "tasks_status"] >= 16384
    assert {labels[3:] for labels in found["pg_index_covered_bytes"]} == {
        ("tasks_status", "tasks_status_priority", "redundant"),
        ("again", "tasks_status_priority", "duplicate"),
        ("lower_two", "lower_one", "duplicate"),
    }
    assert found["pg_indexes"]["shop", "valid"] == 11
    assert found["pg_indexes"]["shop", "invalid"] == 0


async def test_expected_indexes_are_compared_by_meaning(
    each_postgres: PostgresServer,
) -> None:
    with shop(each_postgres):
        async with reading(each_postgres.dsn(), indexes="developer-mesh") as source:
            polled = Polled(source, "indexes")
            found = await polled.poll()
            missing = [what for what, _ in await polled.inspect()]
    held = {
        labels[:2]: labels[2]
        for labels, value in found["pg_index_expected"].items()
        if value
    }
    assert held == {
        ("agents", "status,current_workload"): "present",
        ("agents", "capabilities jsonb_path_ops"): "missing",
        ("tasks", "status,priority desc,created_at"): "present",
        ("sessions", "user_id,last_activity"): "missing",
        ("embeddings", "vector"): "missing",
    }
    assert "expected index embeddings(vector) is missing" in missing


async def test_an_index_that_failed_to_be_built_is_invalid(
    each_postgres: PostgresServer,
) -> None:
    with shop(each_postgres), owner(each_postgres, "shop") as session:
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute("create unique index concurrently broken on tasks (status)")
        async with reading(each_postgres.dsn()) as source:
            polled = Polled(source, "indexes")
            before = await polled.poll()
            session.execute("drop index broken")
            after = await polled.poll()
    assert before["pg_index_invalid"] == {("shop", "public", "tasks", "broken"): 1}
    assert "pg_index_invalid" not in after


async def test_no_lock_is_waited_for_held_or_queued(
    each_postgres: PostgresServer,
) -> None:
    with (
        shop(each_postgres) as dsn,
        owner(each_postgres, "shop") as reader,
        psycopg.connect(dsn) as changer,
    ):
        reader.execute("begin; select * from tasks")
        changer.pgconn.send_query(b"alter table tasks add x int")
        with owner(each_postgres) as watcher:
            soon(lambda: watcher.execute(WAITS).fetchone() == (1,))
        async with reading(each_postgres.dsn(), indexes="developer-mesh") as source:
            started = time.monotonic()
            queued = await Polled(source, "indexes").poll()
            assert time.monotonic() - started < 1
            reader.execute("rollback")
            assert changer.pgconn.get_result() is not None
            started = time.monotonic()
            held = await Polled(source, "indexes").poll()
            assert time.monotonic() - started < 1
            assert source.coverage.failed == {}
        changer.pgconn.finish()
    for found in (queued, held):
        assert "tasks_status" in names(found, "pg_index_unused_bytes")
        place = ("tasks", "status,priority desc,created_at", "present")
        assert found["pg_index_expected"][place] == 1


async def test_schemas_and_databases_are_filtered(postgres: PostgresServer) -> None:
    with shop(postgres):
        with owner(postgres, "shop") as session:
            session.execute('create schema "My own"; create table "My own".t (a int)')
            session.execute('create index mine on "My own".t (a)')
        async with reading(postgres.dsn(), schemas={"include": ["My own"]}) as source:
            found = await Polled(source, "indexes").poll()
        assert names(found, "pg_index_unused_bytes") == {"mine"}
        assert found["pg_indexes"]["shop", "valid"] == 1
        async with reading(postgres.dsn(), schemas={"exclude": ["public"]}) as source:
            found = await Polled(source, "indexes").poll()
        assert names(found, "pg_index_unused_bytes") == {"mine"}
        async with reading(postgres.dsn(), databases={"exclude": ["shop"]}) as source:
            found = await Polled(source, "indexes").poll()
        assert "pg_index_unused_bytes" not in found


async def test_a_table_that_is_read_whole_wants_an_index(
    postgres: PostgresServer,
) -> None:
    with shop(postgres), owner(postgres, "shop") as session:
        session.execute("create table big as select generate_series(1, 20000) a")
        session.execute("set max_parallel_workers_per_gather = 0")
        for _ in range(3):
            session.execute("select * from big where a = 7")
        session.execute("select pg_stat_force_next_flush()")
        async with reading(postgres.dsn()) as source:
            found = await Polled(source, "indexes").poll()
    big = ("shop", "public", "big")
    assert found["pg_index_wanted_rows_total"] == {big: 60_000}
    assert found["pg_index_wanted_scans_total"] == {big: 3}


async def test_a_role_without_rights_sees_indexes_as_well(
    each_postgres: PostgresServer,
) -> None:
    with (
        shop(each_postgres),
        owner(each_postgres) as session,
        role(session, "nobody"),
    ):
        session.execute("revoke connect on database shop from public")
        async with reading(each_postgres.dsn(user="nobody")) as source:
            polled = Polled(source, "indexes")
            await polled.poll()
            assert [fix for _, fix in await polled.inspect()] == [
                "GRANT CONNECT ON DATABASE shop TO nobody;"
            ]
            assert source.coverage.failed["shop"].reason is Reason.PERMISSION
            session.execute("grant connect on database shop to nobody")
            found = await polled.poll()
    assert "tasks_status" in names(found, "pg_index_unused_bytes")


MANY = """
do $$ begin for n in 1..1000 loop
    execute format('create table t%s (a int primary key, b int)', n);
    execute format('create index on t%s (b)', n);
end loop; end $$
"""


async def test_a_large_schema_is_read_in_time(mortal_postgres: PostgresServer) -> None:
    with owner(mortal_postgres) as session:
        session.execute(MANY)
    async with reading(mortal_postgres.dsn()) as source:
        polled = Polled(source, "indexes")
        await polled.poll()
        before = source.seconds
        found = await polled.poll()
        assert source.seconds - before < DEADLINE / 2
    assert len(found["pg_index_unused_bytes"]) == 51


async def test_an_index_that_was_emptied_is_air_and_a_new_one_is_not(
    each_postgres: PostgresServer,
) -> None:
    with shop(each_postgres), owner(each_postgres, "shop") as session:
        session.execute("create table air (a bigint, b text, c int)")
        session.execute(
            "insert into air select n, md5(n::text), n"
            " from generate_series(1, 150000) n"
        )
        session.execute("create index full_one on air (a, c)")
        session.execute("create index of_text on air (b)")
        session.execute("vacuum analyze air")
        async with reading(each_postgres.dsn()) as source:
            polled = Polled(source, "index_bloat")
            fresh = (await polled.poll())["pg_index_bloat_bytes"]
            session.execute("delete from air where a % 10 > 0; analyze air")
            session.execute("vacuum air")
            emptied = (await polled.poll())["pg_index_bloat_bytes"]
        pages = "select relpages * 8192 from pg_class where relname = 'full_one'"
        (size,) = session.execute(pages).fetchone() or (0,)
    place = ("shop", "public", "air")
    assert fresh[*place, "full_one"] < 0.15 * size
    assert 0.8 * size < emptied[*place, "full_one"] < size
    assert fresh[*place, "of_text"] < 0.4 * size < emptied[*place, "of_text"]
