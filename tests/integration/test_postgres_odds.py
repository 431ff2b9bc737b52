"""Many tables, resets in mid-poll, few rights, read-only: what becomes of each poll."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import psycopg

from exporter.config import PostgresTarget
from tests.integration.postgres_fixtures import (
    COLLECTORS,
    SILENT,
    Polled,
    database,
    owner,
    reading,
    role,
)

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer
    from tests.unit.sampled import Values

MANY = 10_000
SCANS = "pg_stat_user_tables_seq_scan"
REST = ("crowd", "other", "other")
ONLY = {"databases": {"include": ["crowd"]}, "interval": "1m", "timeout": "30s"}
HALF_BLIND = (
    *("activity", "database", "progress", "ssl", "stat_replication", "statements"),
    *("wal_files", "wal_receiver"),
)
_MAKE = """
do $$ begin
    for n in {} .. {} loop
        execute format('create table "t %s" as select {} as a', n);
    end loop;
end $$
"""


def scans(found: Values) -> float:
    """Sum up the sequential scans of all tables."""
    return sum(found[SCANS].values())


async def test_ten_thousand_tables_are_fifty_and_the_rest(
    postgres: PostgresServer,
) -> None:
    with database(postgres, "crowd") as dsn:
        with psycopg.connect(dsn, autocommit=True) as session:
            for first in range(0, MANY, 1000):
                session.execute(_MAKE.format(first, first + 999, 1).encode())
        async with reading(dsn, **ONLY) as source:
            started = time.monotonic()
            polled = Polled(source, "tables")
            before = await polled.poll()
            sizes = await Polled(source, "table_sizes").poll()
            took = time.monotonic() - started
            with psycopg.connect(dsn, autocommit=True) as session:
                for number in range(100):
                    session.execute(f'select a from "t {number}"'.encode())
            async with asyncio.timeout(20):
                after = await polled.poll()
                while scans(after) < scans(before) + 100:
                    after = await polled.poll()
    assert scans(after) == scans(before) + 100
    assert len(before[SCANS]) == 51
    assert before["pg_stat_user_tables_n_live_tup"][REST] == MANY - 50
    assert len(sizes["pg_stat_user_tables_table_size_bytes"]) == 51
    assert sum(map(len, before.values())) < PostgresTarget(dsn=dsn).series_limit
    assert took < 30


async def test_resets_in_mid_poll_make_no_sum_shrink(
    each_postgres: PostgresServer,
) -> None:
    done = threading.Event()

    def reset() -> None:
        with owner(each_postgres, "crowd") as session:
            while not done.is_set():
                session.execute("select a from busy")
                session.execute("select pg_stat_reset()")
                session.execute("select pg_stat_reset_shared('bgwriter')")
                session.execute("select pg_stat_statements_reset()")

    with database(each_postgres, "crowd", "cascade") as dsn:
        with psycopg.connect(dsn, autocommit=True) as session:
            session.execute("create table busy as select 1 as a")
        worker = threading.Thread(target=reset)
        worker.start()
        try:
            async with reading(dsn, **ONLY, tables={"top": 0}) as source:
                polls = [Polled(source, name) for name in COLLECTORS]
                sums = []
                for _ in range(10):
                    found: Values = {}
                    for polled in polls:
                        found |= await polled.poll()
                    sums.append(found[SCANS][REST])
        finally:
            done.set()
            worker.join()
    assert sums == sorted(sums)


async def test_a_role_without_rights_is_refused_nothing_and_told_what_it_lacks(
    each_postgres: PostgresServer,
) -> None:
    lacking: set[tuple[str, str]] = set()
    with owner(each_postgres) as session, role(session, "nobody"):
        async with reading(each_postgres.dsn(user="nobody")) as source:
            for name, collector in COLLECTORS.items():
                await Polled(source, name).poll()
                if collector.inspect:
                    found = await Polled(source, name).inspect()
                    lacking |= {(name, fix) for _, fix in found}
    assert lacking >= {(name, "GRANT pg_monitor TO nobody;") for name in HALF_BLIND} | {
        ("sequences", "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO nobody;")
    }


async def test_a_server_that_is_read_only_is_read(
    each_postgres: PostgresServer,
) -> None:
    with owner(each_postgres) as session, role(session, "reader", "pg_monitor"):
        session.execute("alter role reader set default_transaction_read_only = on")
        async with reading(each_postgres.dsn(user="reader")) as source:
            found = {name: await Polled(source, name).poll() for name in COLLECTORS}
    assert {name for name, values in found.items() if not values} <= {
        *SILENT,
        *("wal_receiver", "stat_replication", "replication_slots", "sequences"),
    }
