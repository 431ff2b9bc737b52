"""PostgreSQL that hangs, dies, refuses or is none: reason, time bound and recovery."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import psutil
import psycopg
import pytest

from exporter.demo.servers.process import free_port
from exporter.errors import Reason, SourceError
from tests.integration.exporter_process import open_folder
from tests.integration.postgres_fixtures import (
    COLLECTORS,
    DEADLINE,
    NEWEST,
    SECRET,
    Polled,
    failure,
    new_server,
    our_sessions,
    owner,
    reading,
    refusal,
    role,
    run,
    soon,
)

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

    from exporter.demo.servers.postgres import PostgresServer

LATE = 0.7  # seconds beyond a deadline that a busy machine may need to tell


def message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


GREETING = (
    message(b"R", struct.pack("!i", 0))
    + message(b"S", b"client_encoding\0UTF8\0")
    + message(b"S", b"server_encoding\0UTF8\0")
    + message(b"K", struct.pack("!ii", 1, 2))
    + message(b"Z", b"I")
)


@asynccontextmanager
async def faking(*answers: bytes | None) -> AsyncIterator[str]:
    """Answer each message of a client in turn; None is silence until it leaves."""
    served: list[asyncio.Task[None]] = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        served.append(cast("asyncio.Task[None]", asyncio.current_task()))
        with contextlib.suppress(ConnectionError):
            for answer in answers:
                await reader.read(1000)
                if answer is None:
                    await reader.read()
                else:
                    writer.write(answer)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"postgresql://m:{SECRET}@127.0.0.1:{port}/shop?sslmode=disable"
        async with asyncio.timeout(5):  # a client that gave up has closed its socket
            await asyncio.gather(*served)


@pytest.mark.parametrize(
    ("dsn", "reason", "text"),
    [
        ("postgres:wrong-1@127.0.0.1:{port}/postgres", Reason.AUTH, "password"),
        ("postgres@127.0.0.1:{port}/postgres", Reason.AUTH, "no password supplied"),
        ("nobody:hush-4711@127.0.0.1:{port}/postgres", Reason.AUTH, "password"),
        (
            "postgres:hush-4711@127.0.0.1:{port}/nowhere",
            Reason.CONNECT,
            'database "nowhere" does not exist',
        ),
        ("postgres:hush-4711@no.such.host.invalid/a", Reason.CONNECT, "no.such.host"),
        ("postgres:hush-4711@127.0.0.1:{closed}/a", Reason.CONNECT, "refused"),
        (
            "postgres:hush-4711@127.0.0.1:{port}/postgres?sslmode=require",
            Reason.CONNECT,
            "does not support SSL",
        ),
        *(
            (
                f"postgres:hush-4711@127.0.0.1:{{port}}/postgres?options={options}",
                Reason.CONNECT,
                said,
            )
            for options, said in (
                (
                    "-c%20nonsense%3D1",
                    'unrecognized configuration parameter "nonsense"',
                ),
                ("nonsense", "invalid command-line argument"),
            )
        ),
    ],
)
async def test_what_keeps_us_out_is_told_without_the_secret(
    postgres: PostgresServer, dsn: str, reason: Reason, text: str
) -> None:
    place = dsn.format(port=postgres.port, closed=free_port())
    error = await failure(f"postgresql://{place}")
    assert (error.reason, error.answered) == (reason, False)
    assert str(error).count(text) == 1
    assert ("options" in dsn) == ("`options`" in (error.fix or ""))
    assert "wrong-1" not in f"{error} {error.fix}"


async def test_a_port_that_accepts_and_says_nothing_costs_the_deadline() -> None:
    async with faking(None) as dsn, reading(dsn) as source:
        started = time.monotonic()
        with pytest.raises(SourceError) as caught:
            await source.connect(0.3)
        assert time.monotonic() - started < 0.3 + LATE
        assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.PROTOCOL),
        (b"-ERR unknown command\r\n", Reason.PROTOCOL),
        (b"", Reason.CONNECT),
    ],
)
async def test_what_is_no_postgresql_is_told(answer: bytes, reason: Reason) -> None:
    async with faking(answer) as dsn:
        assert (await failure(dsn)).reason is reason


async def test_a_version_older_than_ours_is_refused() -> None:
    old = message(b"S", b"server_version\x0012.22\0")
    async with faking(old.join((GREETING[:9], GREETING[9:])), None) as dsn:
        error = await failure(dsn)
    assert (error.reason, error.answered) == (Reason.UNSUPPORTED, True)
    assert str(error) == "PostgreSQL 12 is too old; 13 is the oldest"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (message(b"C", b"BEGIN\0")[:7], Reason.TIMEOUT),
        (b"\xff" * 4000, Reason.PROTOCOL),
    ],
)
async def test_half_an_answer_or_nonsense_costs_the_connection(
    answer: bytes, reason: Reason
) -> None:
    new = message(b"S", b"server_version\x0018.0\0")
    hello = new.join((GREETING[:9], GREETING[9:]))
    async with faking(hello, answer, None) as dsn, reading(dsn) as source:
        assert (await refusal(source, "select 1")).reason is reason
        assert source.connections == 0


async def test_a_server_frozen_in_mid_query_costs_the_deadline_and_comes_back(
    mortal_postgres: PostgresServer,
) -> None:
    async with reading(mortal_postgres.dsn(), timeout="500ms") as source:
        await run(source, "select 1")
        files = psutil.Process().num_fds()
        reading_slowly = asyncio.create_task(
            source.run(lambda s: s.tuples("select pg_sleep(0.3)"), 0.5)
        )
        await asyncio.sleep(0.1)
        mortal_postgres.pause()
        try:
            started = time.monotonic()
            with pytest.raises(SourceError) as caught:
                await reading_slowly
            assert time.monotonic() - started < 0.5 + LATE
            assert caught.value.reason is Reason.TIMEOUT
            assert source.connections == 0
            for _ in range(5):
                with pytest.raises(SourceError) as caught:
                    await source.connect(0.1)
                assert caught.value.reason is Reason.TIMEOUT
            assert psutil.Process().num_fds() <= files
        finally:
            mortal_postgres.resume()
        assert await run(source, "select 1") == [(1,)]
        with owner(mortal_postgres) as session:
            soon(lambda: our_sessions(session) == 1)


async def test_a_server_that_is_killed_is_found_again_when_it_is_back(
    mortal_postgres: PostgresServer,
) -> None:
    async with reading(mortal_postgres.dsn()) as source:
        await run(source, "select 1")
        mid_query = asyncio.create_task(
            source.run(lambda s: s.tuples("select pg_sleep(1)"), DEADLINE)
        )
        await asyncio.sleep(0.1)
        mortal_postgres.kill()
        with pytest.raises(SourceError) as caught:
            await mid_query
        assert (caught.value.reason, caught.value.answered) == (Reason.CONNECT, False)
        assert (await refusal(source, "select 1")).reason is Reason.CONNECT
        mortal_postgres.start()
        assert await run(source, "select 1") == [(1,)]


async def test_a_server_that_comes_back_as_another_version_is_read_as_that(
    mortal_postgres: PostgresServer,
) -> None:
    with open_folder() as folder:
        older = new_server(folder / "older", 13)
        older.port = mortal_postgres.port
        with owner(mortal_postgres) as session:
            session.execute("create extension pg_stat_statements")
        async with reading(mortal_postgres.dsn()) as source:
            polled = [Polled(source, name) for name in COLLECTORS]
            for one in polled:
                await one.poll()
            assert source.version // 10000 == NEWEST
            mortal_postgres.stop()
            older.start()
            try:
                with owner(older) as session:
                    session.execute("create extension pg_stat_statements")
                found = {name for one in polled for name in await one.poll()}
                assert "pg_stat_statements_calls_total" in found
                assert "pg_stat_io_hits_total" not in found
                assert source.version // 10000 == 13
            finally:
                older.stop()


async def test_a_server_that_shuts_down_says_so(
    mortal_postgres: PostgresServer,
) -> None:
    with owner(mortal_postgres):
        os.kill(mortal_postgres.process.pid, signal.SIGTERM)  # waits for its clients
        soon(lambda: b"received smart" in mortal_postgres.process.log.read_bytes())
        error = await failure(mortal_postgres.dsn())
    assert error.reason is Reason.STARTING


async def test_a_full_server_is_told_and_read_once_it_has_room(
    mortal_postgres: PostgresServer,
) -> None:
    with (
        owner(mortal_postgres) as session,
        role(session, "monitor", "pg_monitor"),
        contextlib.ExitStack() as crowd,
    ):
        dsn = mortal_postgres.dsn(user="monitor")
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                crowd.enter_context(psycopg.connect(dsn))
        assert (await failure(dsn)).reason is Reason.LIMIT
        crowd.close()
        async with reading(dsn) as source:
            assert await run(source, "select 1") == [(1,)]


async def test_a_role_that_has_too_many_connections_is_told(
    postgres: PostgresServer,
) -> None:
    with owner(postgres) as session, role(session, "few"):
        session.execute("alter role few connection limit 0")
        error = await failure(postgres.dsn(user="few"))
        assert error.reason is Reason.LIMIT
        assert "CONNECTION LIMIT" in (error.fix or "")


async def test_an_ended_session_is_replaced_unseen(postgres: PostgresServer) -> None:
    end = "select pg_terminate_backend(pid) from pg_stat_activity where pid = %s"
    async with reading(postgres.dsn()) as source:
        ((pid,),) = await run(source, "select pg_backend_pid()")
        with owner(postgres) as session:
            session.execute(end, (pid,))
            soon(lambda: not psutil.pid_exists(pid))
        ((other,),) = await run(source, "select pg_backend_pid()")
        assert other != pid
        error = await refusal(source, "select pg_terminate_backend(pg_backend_pid())")
        assert (error.reason, error.answered) == (Reason.CONNECT, False)
        assert "terminating connection" in str(error)
