"""Locks on real servers: who waits, for whom and how long, and what it looks like."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.postgres_binaries import from_maven
from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    DEADLINE,
    NEWEST,
    SECRET,
    Polled,
    database,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from exporter.evidence import Evidence
    from exporter.sources.postgres import PostgresSource
    from tests.unit.sampled import Values

WAITS = "select count(*) from pg_locks where not granted"


@contextlib.contextmanager
def shop(server: PostgresServer) -> Iterator[str]:
    """Make a database with a table of ten rows."""
    with database(server, "shop") as dsn:
        with owner(server, "shop") as session:
            session.execute("create table orders as select generate_series(1, 10) id")
        yield dsn


@asynccontextmanager
async def sessions(dsn: str, *statements: str) -> AsyncIterator[None]:
    """Let sessions s0, s1, … each begin and run a statement; later ones may wait."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(
                await psycopg.AsyncConnection.connect(dsn, application_name=f"s{n}")
            )
            for n in range(len(statements))
        ]
        watcher = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        )
        running: list[asyncio.Task[Any]] = []
        for session, statement in zip(opened, statements, strict=True):
            running.append(asyncio.create_task(session.execute(statement)))
            await come_to_rest(watcher, running)
        yield
        for session in opened:
            session.pgconn.finish()
        await asyncio.gather(*running, return_exceptions=True)


async def come_to_rest(
    watcher: psycopg.AsyncConnection[Any], running: list[asyncio.Task[Any]]
) -> None:
    """Wait until each statement is done or waits for a lock."""
    async with asyncio.timeout(10):
        while True:
            (waiting,) = await (await watcher.execute(WAITS)).fetchone() or (0,)
            if waiting == sum(not task.done() for task in running):
                return
            await asyncio.sleep(0.02)


async def evidence(source: PostgresSource, polled: Polled) -> Evidence:
    """Poll for the tree."""
    assert polled.collector.evidence is not None
    await source.connect(DEADLINE)
    rows = await source.run(polled.collector.read, DEADLINE)
    (found,) = polled.collector.evidence(rows)
    return found


def of_shop(found: Values) -> list[float]:
    names = ("sessions", "depth", "oldest_seconds")
    return [found[f"pg_blocked_{name}"]["shop",] for name in names]


async def test_a_chain_of_waiting_sessions_is_seen_to_its_root(
    each_postgres: PostgresServer,
) -> None:
    statements = (
        "lock orders in share mode",
        "update orders set id = 'hush'::text::int where id = 4711 -- hush",
        "lock orders in access exclusive mode",
        "select * from orders",
    )
    with shop(each_postgres) as dsn:
        async with reading(each_postgres.dsn()) as source:
            polled = Polled(source, "locks")
            async with sessions(dsn, *statements):
                await asyncio.sleep(0.2)
                found = await polled.poll()
                tree = await evidence(source, polled)
            after = await polled.poll()
    sessions_, depth, oldest = of_shop(found)
    assert (sessions_, depth) == (3, 3)
    assert 0.2 <= oldest < 10
    assert found["pg_blocked_behind"] == {("shop", "s0", "idle in transaction"): 3}
    waiting = {
        mode
        for (name, mode), number in found["pg_locks_waiting"].items()
        if name == "shop" and number == 1
    }
    assert waiting == {"rowexclusivelock", "accessexclusivelock", "accesssharelock"}
    assert found["pg_locks_count"]["shop", "sharelock"] == 1
    assert of_shop(after) == [0, 0, 0]
    assert [row[1] for row in tree.rows] == ["s0", "s1", "s2", "s3"]
    assert tree.depths == (0, 1, 2, 3)
    assert [row[6] is None for row in tree.rows] == [True, False, False, False]
    assert "hush" not in str(tree.rows)
    assert "update orders set id = ?::text::int where id = ?" in str(tree.rows)


async def test_who_waits_for_a_row_is_blocked_by_who_changed_it(
    postgres: PostgresServer,
) -> None:
    change = "update orders set id = id where id = 1"
    with shop(postgres) as dsn:
        async with reading(postgres.dsn()) as source, sessions(dsn, change, change):
            found = await Polled(source, "locks").poll()
    assert of_shop(found)[:2] == [1, 1]
    assert found["pg_locks_waiting"]["shop", "sharelock"] == 1


async def test_a_prepared_transaction_blocks_as_one(
    mortal_postgres: PostgresServer,
) -> None:
    with owner(mortal_postgres) as session:
        session.execute("alter system set max_prepared_transactions = 5")
    mortal_postgres.stop()
    mortal_postgres.start()
    with shop(mortal_postgres) as dsn, owner(mortal_postgres, "shop") as session:
        session.execute("begin")
        session.execute("lock orders")
        session.execute("prepare transaction 'forgotten'")
        try:
            async with (
                reading(mortal_postgres.dsn()) as source,
                sessions(dsn, "select * from orders"),
            ):
                polled = Polled(source, "locks")
                found = await polled.poll()
                tree = await evidence(source, polled)
        finally:
            session.execute("rollback prepared 'forgotten'")
    assert found["pg_blocked_behind"] == {("", "", "prepared transaction"): 1}
    assert tree.rows[0][:5] == (0, None, None, None, "prepared transaction")


async def test_a_role_without_pg_monitor_still_counts_who_waits(
    each_postgres: PostgresServer,
) -> None:
    with (
        owner(each_postgres) as session,
        role(session, "nobody"),
        shop(each_postgres) as dsn,
    ):
        nobody = each_postgres.dsn(user="nobody")
        async with (
            reading(nobody) as source,
            sessions(dsn, "lock orders", "select * from orders"),
        ):
            polled = Polled(source, "locks")
            found = await polled.poll()
            tree = await evidence(source, polled)
            fixes = [fix for _, fix in await polled.inspect()]
    assert of_shop(found)[:2] == [1, 1]
    assert found["pg_blocked_behind"] == {("shop", "s0", "hidden"): 1}
    assert [row[-1] for row in tree.rows] == ["<insufficient privilege>"] * 2
    assert fixes == ["GRANT pg_monitor TO nobody;"]


@pytest.fixture
def large() -> Iterator[PostgresServer]:
    """Give a server for 250 clients."""
    with open_folder() as folder:
        server = PostgresServer(
            folder / "data",
            installation=from_maven(NEWEST),
            password=SECRET,
            settings={"max_connections": "250"},
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()


async def test_of_two_hundred_waiting_sessions_the_oldest_hundred_are_the_tree(
    large: PostgresServer,
) -> None:
    with shop(large) as dsn:
        crowd = ["lock orders", *["select * from orders"] * 200]
        async with reading(large.dsn()) as source, sessions(dsn, *crowd):
            found = await Polled(source, "locks").poll()
    assert found["pg_blocked_sessions"]["shop",] == 100
    assert found["pg_locks_waiting"]["shop", "accesssharelock"] == 200
