"""Sessions on real servers: ages, what holds the horizon, connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.integration.postgres_fixtures import Polled, owner, reading, role

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer

AGE = "pg_xmin_horizon_age"


async def test_an_idle_transaction_ages_and_holds_the_horizon(
    each_postgres: PostgresServer,
) -> None:
    with owner(each_postgres) as session, owner(each_postgres) as other:
        session.execute("set application_name = 'report'; begin")
        session.execute("create temp table t as select 1")
        for _ in range(5):
            other.execute("create temp table u (); drop table u")
        await asyncio.sleep(1.1)
        async with reading(each_postgres.dsn()) as source:
            polled = Polled(source, "sessions")
            found = await polled.poll()
            rows = await source.run(polled.collector.read, 2)
            assert polled.collector.evidence is not None
            oldest, horizon = polled.collector.evidence(rows)
        session.execute("rollback")
    place = ("postgres", "report")
    idle = found["pg_session_idle_in_transaction_seconds"][place]
    state = (*place, "idle in transaction")
    assert 1 <= idle <= found["pg_session_transaction_seconds"][state] < 20
    assert found["pg_session_statement_seconds"][place] == 0
    assert found[AGE]["session",] >= 5
    assert found[AGE]["prepared",] == 0
    assert found["pg_connections"]["idle in transaction",] == 1
    assert found["pg_connections_usable"] == {(): 18}
    assert [row[1] for row in oldest.rows] == ["report"]
    assert horizon.rows[0][:2] == ("session", "report")


@pytest.mark.parametrize("grants", ["pg_monitor", ""])
async def test_connections_are_the_clients_that_there_are(
    each_postgres: PostgresServer, grants: str
) -> None:
    with (
        owner(each_postgres) as session,
        owner(each_postgres),
        role(session, "reader", grants),
    ):
        async with reading(each_postgres.dsn(user="reader")) as source:
            found = await Polled(source, "sessions").poll()
    counts = {state: n for (state,), n in found["pg_connections"].items() if n}
    if grants:
        assert counts == {"active": 1, "idle": 2}
        assert ("session",) in found[AGE]
    else:
        assert counts.pop("active") == 1
        assert counts.pop("hidden") >= 2  # the server's own processes look alike
        assert (counts, ("session",) in found[AGE]) == ({}, False)


async def test_a_poll_is_three_reads_where_nothing_is_old(
    postgres: PostgresServer,
) -> None:
    with owner(postgres), psycopg.connect(postgres.dsn()):
        async with reading(postgres.dsn()) as source:
            polled = Polled(source, "sessions")
            await polled.poll()
            before = source.queries
            await polled.poll()
            assert source.queries - before == 2 + 3
