"""Rows of a real server in the binary format of COPY: whole, bounded, cut off."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import pytest

from exporter.errors import Reason, SourceError
from tests.integration.postgres_fixtures import reading, run

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource

LIMIT = 100_000
NUMBERS = "select g::int8, 'a%sb'::text, null::int from generate_series(1, {}) g"


async def raw(source: PostgresSource, query: str) -> list[bytes]:
    async def read(connected: PostgresSource) -> list[bytes]:
        return await connected.raw(query)

    await source.connect(2)
    return await source.run(read, 2)


def as_copied(number: int) -> bytes:
    return struct.pack("!hiqi4si", 3, 8, number, 4, b"a%sb", -1)


@pytest.mark.parametrize("count", [0, 1, 2, 20_000])
async def test_rows_come_whole_and_in_order(
    each_postgres: PostgresServer, count: int
) -> None:
    async with reading(each_postgres.dsn()) as source:
        found = await raw(source, NUMBERS.format(count))
        assert found == [as_copied(number + 1) for number in range(count)]
        assert await run(source, "select 1") == [(1,)]


async def test_rows_that_are_as_they_were_are_held_once(
    postgres: PostgresServer,
) -> None:
    async with reading(postgres.dsn()) as source:
        first = await raw(source, NUMBERS.format(3))
        again = await raw(source, NUMBERS.format(4))
        same = [one is other for one, other in zip(first, again[:3], strict=True)]
        assert same == [True, True, True]
        assert again[3] == as_copied(4)


async def test_too_many_rows_are_refused_and_the_connection_goes_on(
    postgres: PostgresServer,
) -> None:
    async with reading(postgres.dsn()) as source:
        assert len(await raw(source, NUMBERS.format(LIMIT))) == LIMIT
        with pytest.raises(SourceError) as caught:
            await raw(source, NUMBERS.format(LIMIT + 1))
        assert (caught.value.reason, caught.value.answered) == (Reason.LIMIT, True)
        assert await run(source, "select 1") == [(1,)]
        assert source.connections == 1


async def test_an_error_after_the_first_rows_is_classified(
    postgres: PostgresServer,
) -> None:
    query = "select 1 / (5000 - g) from generate_series(1, 6000) g"
    async with reading(postgres.dsn()) as source:
        with pytest.raises(SourceError) as caught:
            await raw(source, query)
        assert (caught.value.reason, caught.value.answered) == (Reason.QUERY, True)
        assert await run(source, "select 1") == [(1,)]
        assert source.connections == 1


async def test_a_server_that_stops_after_the_first_rows_is_given_up_in_time(
    postgres: PostgresServer,
) -> None:
    query = "select g, pg_sleep(case when g > 5000 then 60 else 0 end)::text"

    async def read(connected: PostgresSource) -> list[bytes]:
        return await connected.raw(f"{query} from generate_series(1, 9000) g")

    async with reading(postgres.dsn(), timeout="10s") as source:
        await source.connect(2)
        began = time.monotonic()
        with pytest.raises(SourceError) as caught:
            await source.run(read, 0.5)
        assert time.monotonic() - began < 1
        assert caught.value.reason is Reason.TIMEOUT
        assert source.connections == 0
        assert await run(source, "select 1") == [(1,)]
