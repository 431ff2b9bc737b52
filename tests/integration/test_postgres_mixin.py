"""What postgres_exporter's rules and dashboard ask for is there on every version."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter import health
from exporter.collector import SourceKind
from tests.integration.postgres_fixtures import COLLECTORS, Polled, owner, reading
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer
    from tests.unit.sampled import Values

_MIXIN = "postgres-mixin"
HEALTH = {family[SourceKind.POSTGRES].name for family in (health.UP, health.LAST_ERROR)}
# What the mixin's dashboard draws as a rate, so that it must grow.
GROWING = (
    "pg_stat_bgwriter_buffers_backend_total",
    "pg_stat_bgwriter_buffers_checkpoint_total",
    "pg_stat_bgwriter_buffers_alloc_total",
    "pg_stat_bgwriter_checkpoints_req_total",
)


def needed() -> Iterator[str]:
    """Yield the names that the mixin's expressions ask for, but for our health."""
    for line in (ROOT / "tests/data/peer-needs.tsv").read_text().splitlines():
        name, who = line.split("\t")
        if who == _MIXIN and name not in HEALTH:
            yield name


async def everything(server: PostgresServer) -> Values:
    """Poll every collector once."""
    found: Values = {}
    async with reading(server.dsn()) as source:
        for name in COLLECTORS:
            found |= await Polled(source, name).poll()
    return found


async def test_no_expression_of_the_mixin_is_without_samples(
    each_postgres: PostgresServer,
) -> None:
    with owner(each_postgres) as session:
        session.execute("create table if not exists mixin (a int)")
        session.execute("select pg_create_physical_replication_slot('mixin')")
        try:
            found = await everything(each_postgres)
        finally:
            session.execute("select pg_drop_replication_slot('mixin')")
            session.execute("drop table mixin")
    assert [name for name in needed() if not found.get(name)] == []
    assert found["pg_replication_slots_active"] == {("mixin", None): 0}


async def test_what_the_mixin_draws_moves_when_the_server_works(
    each_postgres: PostgresServer,
) -> None:
    async with reading(each_postgres.dsn()) as source:
        polled = Polled(source, "bgwriter")
        before = await polled.poll()
        with owner(each_postgres) as session:
            session.execute("create table moved (a int, b text)")
            insert = "insert into moved select n, repeat('x', 500) from {} n"
            after = before
            async with asyncio.timeout(30):  # the background writer reports late
                while any(after[name][()] <= before[name][()] for name in GROWING):
                    session.execute(insert.format("generate_series(1, 500)").encode())
                    session.execute("checkpoint")
                    after = await polled.poll()
            session.execute("drop table moved")
    assert after["pg_stat_bgwriter_buffers_backend_fsync_total"][()] == 0
