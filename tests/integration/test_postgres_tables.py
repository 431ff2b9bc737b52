"""Tables, their sizes, sequences and vacuums on real servers; some are locked."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from exporter.demo.servers.postgres_binaries import VERSIONS
from tests.integration.postgres_fixtures import (
    DEADLINE,
    Polled,
    database,
    owner,
    reading,
    soon,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer
    from tests.integration.postgres_fixtures import Owner, Servers

SIZE = "pg_stat_user_tables_table_size_bytes"
INDEX_SIZE = "pg_stat_user_tables_index_size_bytes"
LOCKED = "pg_table_sizes_locked"
USED = "pg_sequence_used_ratio"
ONLY = {"databases": {"include": ["vault"]}}
ITEM = ("vault", "public", "item")
ITEMS = """
create table item (id serial primary key, note text);
create table extra (id int primary key);
insert into item (note) select repeat('x', 100) from generate_series(1, 5000);
analyze
"""


@contextmanager
def filled(server: PostgresServer) -> Iterator[str]:
    """Make a database with two tables."""
    with database(server, "vault") as dsn:
        with owner(server, "vault") as session:
            session.execute(ITEMS)
        yield dsn


@pytest.fixture
def vault(each_postgres: PostgresServer) -> Iterator[str]:
    """Make the tables on each version."""
    with filled(each_postgres) as dsn:
        yield dsn


@pytest.fixture(params=(min(VERSIONS), max(VERSIONS)))
def edge(request: pytest.FixtureRequest, postgres_servers: Servers) -> Iterator[str]:
    """Make the tables on the oldest and the newest version."""
    with filled(postgres_servers.of(request.param)) as dsn:
        yield dsn


@contextmanager
def holding(dsn: str, *commands: str) -> Iterator[Owner]:
    """Keep a transaction open that has done something."""
    with psycopg.connect(dsn) as session:
        for command in commands:
            session.execute(command.encode())
        yield session
        session.rollback()


@contextmanager
def queued(dsn: str, command: str) -> Iterator[None]:
    """Let somebody wait for a lock behind one who reads the table."""

    def wait() -> None:
        with psycopg.connect(dsn, autocommit=True) as session:
            session.execute(command.encode())

    with holding(dsn, "select count(*) from item"):
        waiter = threading.Thread(target=wait)
        waiter.start()
        with psycopg.connect(dsn, autocommit=True) as session:
            soon(lambda: bool(_waiting(session)))
        yield
    waiter.join()


def _waiting(session: Owner) -> int:
    (row,) = session.execute("select count(*) from pg_locks where not granted")
    return int(row[0])


async def test_sizes_are_those_the_server_tells(vault: str) -> None:
    async with reading(vault, **ONLY) as source:
        found = await Polled(source, "table_sizes").poll()
    with psycopg.connect(vault) as session:
        (expected,) = session.execute(
            "select pg_table_size('item'), pg_indexes_size('item')"
        )
    assert (found[SIZE][ITEM], found[INDEX_SIZE][ITEM]) == expected
    assert found[LOCKED] == {("vault",): 0}


@pytest.mark.parametrize(
    "command",
    ["lock table item in access exclusive mode", "reindex index item_pkey"],
)
async def test_a_lock_that_is_held_makes_nobody_wait(edge: str, command: str) -> None:
    with holding(edge, command):
        started = time.monotonic()
        async with reading(edge, **ONLY) as source:
            found = await Polled(source, "table_sizes").poll()
            tables = await Polled(source, "tables").poll()
        took = time.monotonic() - started
    assert ITEM not in found[SIZE]
    assert ("vault", "public", "extra") in found[SIZE]
    assert found[LOCKED] == {("vault",): 1}
    assert ITEM in tables["pg_stat_user_tables_n_live_tup"]
    assert took < DEADLINE / 10  # the lock_timeout


async def test_a_lock_that_is_only_awaited_makes_nobody_wait(edge: str) -> None:
    with queued(edge, "alter table item add column more int"):
        started = time.monotonic()
        async with reading(edge, **ONLY) as source:
            found = await Polled(source, "table_sizes").poll()
            sequences = await Polled(source, "sequences").poll()
        took = time.monotonic() - started
    assert ITEM not in found[SIZE]
    assert found[LOCKED] == {("vault",): 1}
    assert ("vault", "public", "item_id_seq") in sequences[USED]
    assert took < DEADLINE / 10


async def test_a_sequence_ends_where_its_column_does(vault: str) -> None:
    with psycopg.connect(vault, autocommit=True) as session:
        session.execute("create sequence wide as bigint owned by extra.id")
        session.execute("select setval('wide', 2147483647 / 4 * 3)")
        session.execute("select setval('item_id_seq', 2147483647)")
        session.execute("create sequence again maxvalue 10 cycle")
    async with reading(vault, **ONLY) as source:
        found = await Polled(source, "sequences").poll()
        with holding(vault, "alter sequence wide increment 2"):
            without = await Polled(source, "sequences").poll()
    assert found[USED]["vault", "public", "wide"] == pytest.approx(0.75)
    assert found[USED]["vault", "public", "item_id_seq"] == 1
    assert ("vault", "public", "again") not in found[USED]
    assert {*without[USED]} == {("vault", "public", "item_id_seq")}


async def test_a_table_that_is_left_alone_by_vacuum_is_seen(edge: str) -> None:
    with psycopg.connect(edge, autocommit=True) as session:
        session.execute("alter table item set (autovacuum_enabled = off)")
        session.execute("update item set note = note || 'y'")
    late, stale = (
        f"pg_stat_user_tables_{what}_due_ratio" for what in ("vacuum", "analyze")
    )
    async with asyncio.timeout(10), reading(edge, **ONLY) as source:
        polled = Polled(source, "tables")
        found = await polled.poll()
        while found["pg_stat_user_tables_n_dead_tup"][ITEM] < 5000:
            found = await polled.poll()
    assert found[late][ITEM] == pytest.approx(5000 / (50 + 0.2 * 5000))
    assert found[stale][ITEM] > 5000 / (50 + 0.1 * 5000) - 0.1
    assert found["pg_stat_user_tables_last_analyze"][ITEM] > time.time() - 60
    assert "pg_stat_user_tables_last_vacuum" not in found


async def test_a_running_vacuum_tells_how_far_it_is(vault: str) -> None:
    def vacuum() -> None:
        with psycopg.connect(vault, autocommit=True) as session:
            session.execute("set vacuum_cost_delay = 20; set vacuum_cost_limit = 1")
            with contextlib.suppress(psycopg.errors.QueryCanceled):
                session.execute("vacuum item")

    worker = threading.Thread(target=vacuum)
    worker.start()
    found: dict[str, dict[tuple[str | None, ...], float]] = {}
    async with asyncio.timeout(10), reading(vault) as source:
        while not found.get("pg_stat_progress_vacuum_heap_blks", {}).get(
            ("vault", "item")
        ):
            found = await Polled(source, "progress").poll()
    with psycopg.connect(vault, autocommit=True) as session:
        session.execute("select pg_cancel_backend(pid) from pg_stat_progress_vacuum")
    worker.join()
    phases = found["pg_stat_progress_vacuum_phase"]
    assert sum(phases.values()) == 1


async def test_tables_that_come_and_go_meanwhile_cost_no_poll(edge: str) -> None:
    done = threading.Event()

    def churn() -> None:
        with psycopg.connect(edge, autocommit=True) as session:
            while not done.is_set():
                session.execute("create table brief (id serial primary key)")
                session.execute("drop table brief")
                time.sleep(0.005)

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        async with reading(edge, **ONLY) as source:
            polls = [Polled(source, n) for n in ("tables", "table_sizes", "sequences")]
            for _ in range(20):
                found = [await polled.poll() for polled in polls]
                assert ITEM in found[1][SIZE]
    finally:
        done.set()
        worker.join()
