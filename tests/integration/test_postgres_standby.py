"""A real standby of each version: both sides of replication, its lag and its loss."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.postgres_binaries import VERSIONS
from exporter.demo.servers.process import unprivileged
from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    COLLECTORS,
    NEWEST,
    SECRET,
    SILENT,
    Polled,
    new_server,
    owner,
    reading,
    soon,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource
    from tests.integration.postgres_fixtures import Owner
    from tests.unit.sampled import Values

PLACE = ("near", "127.0.0.1", "streaming", "near")
REPLAYED = "pg_stat_replication_pg_wal_lsn_diff"
PATIENCE = 20.0


@contextmanager
def pair(folder: Path, major: int) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """Start a primary and a standby of it, which was copied while both were down."""
    primary = new_server(folder / "primary", major)
    standby = new_server(folder / "standby", major)
    login = f"host=127.0.0.1 port={primary.port} user=postgres password={SECRET}"
    standby.settings |= {
        "primary_conninfo": f"{login} application_name=near",
        "primary_slot_name": "near",
        "hot_standby_feedback": "on",
    }
    primary.start()
    try:
        with owner(primary) as session:
            session.execute("create extension pg_stat_statements")
            session.execute("create table rows (id serial primary key)")
            session.execute("select pg_create_physical_replication_slot('near', true)")
        primary.stop()
        _copy(primary.folder / "data", standby.folder / "data")
        primary.start()
        standby.start()
        yield primary, standby
    finally:
        standby.stop()
        primary.stop()


def _copy(data: Path, target: Path) -> None:
    """Copy a stopped server's data, owners included, to be those of a standby."""
    shutil.copytree(data, target)
    (target / "standby.signal").touch()
    if identity := unprivileged():
        for path in (target, *target.rglob("*")):
            os.chown(path, *identity)


@pytest.fixture(params=VERSIONS)
def replicated(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    with open_folder() as folder, pair(folder, request.param) as servers:
        yield servers


async def until(
    source: PostgresSource, name: str, true: Callable[[Values], bool]
) -> Values:
    """Poll a collector until it says something."""
    polled = Polled(source, name)
    async with asyncio.timeout(PATIENCE):
        found = await polled.poll()
        while not true(found):
            found = await polled.poll()
    return found


async def test_both_sides_of_replication_are_seen(
    replicated: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, standby = replicated
    async with reading(primary.dsn()) as source:
        found = await until(source, "stat_replication", lambda v: PLACE in v[REPLAYED])
        stages = {labels[-1] for labels in found["pg_stat_replication_lag_bytes"]}
        slots = await until(
            source,
            "replication_slots",
            lambda v: v["pg_replication_slots_active"]["near", None] == 1,
        )
        ours = await Polled(source, "replication").poll()
    assert stages == {"sent", "write", "flush", "replay"}
    assert slots["pg_replication_slots_wal_state"] == {("near", "physical"): 0}
    assert ours["pg_replication_is_replica"] == {(): 0}
    async with reading(standby.dsn()) as source:
        there = await until(
            source,
            "replication",
            lambda v: v["pg_replication_lag_seconds"] == {(): 0},
        )
        receiver = await Polled(source, "wal_receiver").poll()
    assert there["pg_replication_is_replica"] == {(): 1}
    assert there["pg_replication_streaming"] == {(): 1}
    assert there["pg_wal_replayed_bytes_total"][()] > 0
    assert {*receiver["pg_stat_wal_receiver_flushed_lsn"]} == {
        ("127.0.0.1", "near", "streaming")
    }


async def test_every_collector_works_on_a_standby(
    replicated: tuple[PostgresServer, PostgresServer],
) -> None:
    _, standby = replicated
    async with reading(standby.dsn()) as source:
        found = {name: await Polled(source, name).poll() for name in COLLECTORS}
        for name, collector in COLLECTORS.items():
            if collector.inspect:
                await Polled(source, name).inspect()
    silent = {name for name, values in found.items() if not values}
    assert silent <= {*SILENT, "stat_replication", "replication_slots"}


async def test_a_standby_that_has_lost_its_primary_grows_old() -> None:
    with open_folder() as folder, pair(folder, NEWEST) as (primary, standby):
        with owner(primary) as session:
            session.execute("insert into rows default values")
        async with reading(standby.dsn()) as source:
            lag = "pg_replication_lag_seconds"
            await until(source, "replication", lambda v: v.get(lag) == {(): 0})
            primary.kill()
            lost = await until(
                source,
                "replication",
                lambda v: v["pg_replication_streaming"] == {(): 0} and v[lag][()] > 0,
            )
    assert lost["pg_replication_is_replica"] == {(): 1}


async def test_a_standby_that_does_not_replay_lags_by_stage() -> None:
    with (
        open_folder() as folder,
        pair(folder, NEWEST) as (primary, standby),
        owner(standby) as there,
        owner(primary) as here,
    ):
        there.execute("select pg_wal_replay_pause()")
        here.execute("insert into rows select from generate_series(1, 10000)")
        async with reading(primary.dsn()) as source:
            found = await until(
                source,
                "stat_replication",
                lambda v: (
                    v[REPLAYED].get(PLACE, 0) > 100_000
                    and v["pg_stat_replication_lag_bytes"][*PLACE, "flush"] == 0
                ),
            )
        async with reading(standby.dsn()) as source:
            behind = await Polled(source, "replication").poll()
        there.execute("select pg_wal_replay_resume()")
        soon(lambda: _rows(there) == 10_000)
    assert found[REPLAYED] == {PLACE: found[REPLAYED][PLACE]}
    assert behind["pg_replication_replay_paused"] == {(): 1}
    assert behind["pg_replication_unreplayed_bytes"][()] > 100_000


def _rows(session: Owner) -> int:
    (row,) = session.execute("select count(*) from rows")
    return int(row[0])


async def test_unlogged_sequences_take_no_other_away_after_a_promotion() -> None:
    used = "pg_sequence_used_ratio"
    with open_folder() as folder, pair(folder, NEWEST) as (primary, standby):
        with owner(primary) as session:
            session.execute("create unlogged table cache (id bigserial primary key)")
            session.execute("insert into rows default values")
        with owner(standby) as session:
            last = "select last_value from rows_id_seq where is_called"
            soon(lambda: bool(session.execute(last).fetchall()))
            session.execute("select pg_promote()")
        async with reading(standby.dsn()) as source:
            found = await Polled(source, "sequences").poll()
    assert {*found[used]} == {("postgres", "public", "rows_id_seq")}
