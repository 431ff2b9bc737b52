"""In how many messages reads are sent, and that none leaves a transaction open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from exporter.errors import Reason, SourceError
from tests.integration.postgres_fixtures import DEADLINE, Polled, owner, reading, role

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource

BEGUN = "select extract(epoch from now())::float8 as value"
OURS = "select state from pg_stat_activity where application_name = 'kpi-exporter'"


class Row(NamedTuple):
    value: float


async def begun(source: PostgresSource) -> float:
    """Return when the read's transaction began."""
    (row,) = await source.fetch(Row, BEGUN)
    return row.value


async def once(source: PostgresSource) -> float:
    (row,) = await source.once(Row, BEGUN)
    return row.value


async def nothing(_: PostgresSource) -> None:
    pass


async def wrong(source: PostgresSource) -> None:
    await source.fetch(Row, "select 1 / (random() * 0)::int as value")


async def wrong_at_once(source: PostgresSource) -> None:
    await source.once(Row, "select 1 / (random() * 0)::int as value")


def states(server: PostgresServer) -> list[str]:
    with owner(server) as session:
        return [state for (state,) in session.execute(OURS).fetchall()]


async def test_reads_together_are_transactions_of_their_own(
    each_postgres: PostgresServer,
) -> None:
    async with reading(each_postgres.dsn()) as source:
        await source.connect(DEADLINE)
        before = source.queries
        async with source.together():
            first = await source.run(begun, DEADLINE)
            assert states(each_postgres) == ["idle in transaction"]
            assert await source.run(begun, DEADLINE) > first
        assert source.queries - before == 2 + 3 + 1
        assert states(each_postgres) == ["idle"]


async def test_a_read_alone_takes_one_message_and_ends_itself(
    each_postgres: PostgresServer,
) -> None:
    async with reading(each_postgres.dsn()) as source:
        await source.connect(DEADLINE)
        first = await source.run(once, DEADLINE)
        assert states(each_postgres) == ["idle"]
        async with source.together():
            await source.run(begun, DEADLINE)
            assert await source.run(once, DEADLINE) > first
            assert states(each_postgres) == ["idle"]


@pytest.mark.parametrize("read", [wrong, wrong_at_once])
async def test_a_read_that_fails_harms_neither_the_one_before_nor_the_next(
    postgres: PostgresServer, read: object
) -> None:
    assert callable(read)
    async with reading(postgres.dsn()) as source:
        await source.connect(DEADLINE)
        async with source.together():
            first = await source.run(begun, DEADLINE)
            with pytest.raises(SourceError) as caught:
                await source.run(read, DEADLINE)
            assert caught.value.reason is Reason.QUERY
            assert states(postgres) == ["idle"]
            assert await source.run(begun, DEADLINE) > first
        assert states(postgres) == ["idle"]


async def test_a_read_that_asks_nothing_sends_nothing(
    postgres: PostgresServer,
) -> None:
    log = postgres.folder / "postgres.log"
    said = log.stat().st_size
    async with reading(postgres.dsn()) as source:
        await source.connect(DEADLINE)
        await source.run(nothing, DEADLINE)
        async with source.together():
            await source.run(nothing, DEADLINE)
            with pytest.raises(SourceError):
                await source.run(refuses, DEADLINE)
        assert source.queries == 0
    assert b"no transaction in progress" not in log.read_bytes()[said:]


async def test_a_role_that_rounds_numbers_rounds_none_of_ours(
    each_postgres: PostgresServer,
) -> None:
    with owner(each_postgres) as session, role(session, "rough") as name:
        session.execute(f"alter role {name} set extra_float_digits = -12".encode())
        async with reading(each_postgres.dsn(user=name)) as source:
            await source.connect(DEADLINE)
            found = await source.run(begun, DEADLINE)
            assert abs(found - time.time()) < 60


async def test_a_roles_short_patience_ends_no_transaction_between_two_reads(
    each_postgres: PostgresServer,
) -> None:
    setting = "idle_in_transaction_session_timeout"
    with owner(each_postgres) as session, role(session, "hasty") as name:
        session.execute(f"alter role {name} set {setting} = '50ms'".encode())
        async with reading(each_postgres.dsn(user=name)) as source:
            await source.connect(DEADLINE)
            async with source.together():
                await source.run(begun, DEADLINE)
                session.execute("select pg_sleep(0.3)")
                await source.run(begun, DEADLINE)
                ((limit,),) = await source.run(shown, DEADLINE)
                assert limit == f"{DEADLINE * 2:g}s"
            assert source.opened == 1
            found = await Polled(source, "settings").poll()
            assert found[f"pg_settings_{setting}_seconds"] == {(): 0.05}


async def shown(source: PostgresSource) -> list[tuple[str]]:
    setting = "idle_in_transaction_session_timeout"
    return await source.tuples(f"select current_setting('{setting}')")


async def refuses(_: PostgresSource) -> None:
    raise SourceError(Reason.UNSUPPORTED, "not here", answered=True)
