"""Rows that a server need not send again, on every version; reads that break off."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.collectors._postgres_rows import DATABASE, QUERY, hidden, unpacked
from exporter.collectors.postgres_statements import State, read, samples
from exporter.errors import Reason, SourceError
from exporter.sources.postgres_kept import NO_PRINTS, prints
from tests.integration.postgres_fixtures import (
    DEADLINE,
    database,
    owner,
    reading,
    refusal,
    role,
    run,
)
from tests.unit.sampled import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collectors.postgres_statements import Rows
    from exporter.demo.servers.postgres import PostgresServer
    from exporter.sources.postgres import PostgresSource
    from tests.integration.postgres_fixtures import Owner

TELLS = 140000  # from this version on it is said whether rows are gone
ECHO = "select unnest(%s::int8[])"


@pytest.mark.parametrize("numbers", [[], [0], [-(2**63), -1, 2**63 - 1], [*range(999)]])
async def test_prints_arrive_as_numbers(
    each_postgres: PostgresServer, numbers: list[int]
) -> None:
    given = prints([number.to_bytes(8, signed=True) for number in numbers])
    assert (given is NO_PRINTS) is (not numbers)
    async with reading(each_postgres.dsn()) as source:
        assert await run(source, ECHO, (given,)) == [(number,) for number in numbers]


class Reader:
    """The collector of statements, polled so that what it read can be looked at."""

    def __init__(self, source: PostgresSource) -> None:
        self._source = source
        self.state = State()

    async def poll(self) -> Rows:
        await self._source.connect(DEADLINE)
        rows = await self._source.run(read, DEADLINE)
        self.values = values(samples(rows, self.state))
        return rows

    def calls(self, database: str) -> float:
        found = self.values["pg_stat_statements_calls_total"].items()
        return sum(calls for labels, calls in found if labels[1] == database)


async def test_only_what_changed_is_sent_and_everything_is_counted(
    each_postgres: PostgresServer,
) -> None:
    with kept(each_postgres) as (dsn, session):
        for number in range(300):
            session.execute(statement(number))
        async with reading(dsn, databases={"include": ["kept"]}) as source:
            reader = Reader(source)
            first = await reader.poll()
            await reader.poll()
            before = reader.calls("kept")
            for number in (*range(7), *range(5)):
                session.execute(statement(number))
            third = await reader.poll()
            assert reader.calls("kept") - before == 12
            assert (first.whole, len(first.sent.found) > 300) == (True, True)
            tells = source.version >= TELLS
            assert (third.whole, len(third.sent.found) < 100) == (not tells, tells)


async def test_all_rows_come_again_after_a_reset_and_on_a_new_connection(
    postgres: PostgresServer,
) -> None:
    with kept(postgres) as (dsn, session):
        async with reading(dsn) as source:
            reader = Reader(source)
            whole = [(await reader.poll()).whole for _ in range(3)]
            session.execute("select pg_stat_statements_reset()")
            whole += [(await reader.poll()).whole for _ in range(3)]
            source.discard()
            whole += [(await reader.poll()).whole for _ in range(2)]
    assert whole == [True, False, False, False, True, False, True, False]


@pytest.mark.parametrize(
    ("databases", "sent"),
    [
        ({"include": ["kept", "no such"]}, {"kept"}),
        ({"exclude": ["kept"]}, {"postgres"}),
        ({"include": ["no such"]}, set()),
        ({}, {"kept", "postgres"}),
    ],
)
async def test_only_databases_that_are_wanted_are_sent(
    postgres: PostgresServer, databases: dict[str, list[str]], sent: set[str]
) -> None:
    with kept(postgres) as (dsn, session), owner(postgres) as elsewhere:
        for each in (session, elsewhere):
            each.execute(statement(3))
        async with reading(dsn, databases=databases) as source:
            rows = await Reader(source).poll()
    found = {rows.databases.get(unpacked(raw)[DATABASE]) for raw in rows.sent.found}
    assert found & {"kept", "postgres"} == sent


async def test_what_is_hidden_always_comes_and_is_counted(
    each_postgres: PostgresServer,
) -> None:
    with kept(each_postgres) as (dsn, session), role(session, "guest"):
        for number in range(20):
            session.execute(statement(number))
        async with reading(dsn.replace("//postgres:", "//guest:")) as source:
            reader = Reader(source)
            await reader.poll()
            await reader.poll()
            before = reader.calls("kept")
            session.execute(statement(7))
            rows = await reader.poll()
            assert len(list(filter(hidden, rows.sent.found))) >= 20
            assert reader.calls("kept") - before == 1


async def test_what_is_hidden_for_a_while_is_counted_once(
    postgres: PostgresServer,
) -> None:
    rights = ("revoke pg_read_all_stats from guest", "grant pg_read_all_stats to guest")
    with kept(postgres) as (dsn, session), role(session, "guest", "pg_read_all_stats"):
        session.execute(statement(7))
        async with reading(dsn.replace("//postgres:", "//guest:")) as source:
            reader = Reader(source)
            for _ in range(3):
                await reader.poll()
            before = reader.calls("kept")
            for right in rights:
                session.execute(right.encode())
                await reader.poll()
                for _ in range(5):
                    session.execute(statement(7))
                await reader.poll()
            assert 10 <= reader.calls("kept") - before <= 10 + len(rights)


async def test_a_statement_that_was_reset_alone_is_reported_as_gone(
    each_postgres: PostgresServer,
) -> None:
    with kept(each_postgres) as (dsn, session):
        session.execute(statement(7))
        async with reading(dsn) as source:
            reader = Reader(source)
            for _ in range(2):
                await reader.poll()
            known = set(reader.state.ledger.kept)
            ((query,),) = session.execute(
                "select queryid from pg_stat_statements where query like 'select $1, %'"
                " and dbid = (select oid from pg_database where datname = 'kept')"
            ).fetchall()
            session.execute("select pg_stat_statements_reset(0, 0, %s)", (query,))
            await reader.poll()
            gone = {unpacked(raw)[QUERY] for raw in known}
            gone -= {unpacked(raw)[QUERY] for raw in reader.state.ledger.kept}
            assert query in gone


async def test_a_database_that_takes_the_name_of_another_brings_no_past(
    postgres: PostgresServer,
) -> None:
    with owner(postgres) as session, database(postgres, "blue"):
        with owner(postgres, "blue") as inside:
            for _ in range(50):
                inside.execute(statement(7))
        wanted = {"include": ["green"]}
        async with reading(postgres.dsn(), databases=wanted) as source:
            reader = Reader(source)
            for _ in range(2):
                await reader.poll()
            session.execute("alter database blue rename to green")
            try:
                await reader.poll()
                with owner(postgres, "green") as inside:
                    for _ in range(3):
                        inside.execute(statement(7))
                for _ in range(2):
                    await reader.poll()
                assert reader.calls("green") == 3
            finally:
                session.execute("alter database green rename to blue")


async def test_an_error_after_the_first_rows_is_classified(
    postgres: PostgresServer,
) -> None:
    query = "select 1 / (5000 - g) from generate_series(1, 6000) g"
    async with reading(postgres.dsn()) as source:
        error = await refusal(source, query)
        assert (error.reason, error.answered) == (Reason.QUERY, True)
        assert await run(source, "select 1") == [(1,)]
        assert source.connections == 1


async def test_a_server_that_stops_after_the_first_rows_is_given_up_in_time(
    postgres: PostgresServer,
) -> None:
    query = "select g, pg_sleep(case when g > 5000 then 60 else 0 end)::text"
    async with reading(postgres.dsn(), timeout="10s") as source:
        await source.connect(DEADLINE)
        began = time.monotonic()
        with pytest.raises(SourceError) as caught:
            await source.run(
                lambda here: here.tuples(f"{query} from generate_series(1, 9000) g"),
                0.5,
            )
        assert time.monotonic() - began < 1
        assert caught.value.reason is Reason.TIMEOUT
        assert source.connections == 0
        assert await run(source, "select 1") == [(1,)]


def statement(number: int) -> bytes:
    """Return a statement that has an id of its own."""
    return f"select 1{', 1' * number}".encode()


@contextmanager
def kept(server: PostgresServer) -> Iterator[tuple[str, Owner]]:
    """Make a database with the extension; gives its dsn and a session in it."""
    with (
        database(server, "kept", "schema public") as dsn,
        owner(server, "kept") as session,
    ):
        yield dsn, session
