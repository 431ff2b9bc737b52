"""Servers that hang, die or are none: reason, deadline and recovery."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer, from_path, from_wheel
from exporter.errors import Reason, SourceError
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    SECRET,
    admin,
    failure,
    our_connections,
    read_once,
    reading,
    running,
)

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable

    Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@asynccontextmanager
async def faking(serve: Serve) -> AsyncIterator[int]:
    """Be a server that is no Redis, on a port of loopback, until all clients left."""
    served: list[asyncio.Task[None]] = []

    async def serve_one(reader: StreamReader, writer: StreamWriter) -> None:
        served.append(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*served, return_exceptions=True)


@asynccontextmanager
async def answering(answer: bytes | None, *, echo: bool = False) -> AsyncIterator[int]:
    """Answer whatever is asked in one way, then close; None never answers."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        heard = await reader.read(1000)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer + (heard if echo else b""))

    async with faking(serve) as port:
        yield port


async def test_a_frozen_server_costs_the_deadline_and_comes_back(
    redis_server: RedisServer,
) -> None:
    async with asyncio.timeout(10), reading(redis_server.url) as source:
        await source.connect(5)
        redis_server.pause()
        try:
            for _ in range(3):
                with pytest.raises(SourceError) as frozen:
                    await read_once(source)
                assert frozen.value.reason is Reason.TIMEOUT
                assert source.connections == 0
        finally:
            redis_server.resume()
        assert await read_once(source) != {}
        with admin(redis_server) as client:
            assert our_connections(client) == 1


async def test_a_server_frozen_in_mid_command_costs_the_deadline(
    redis_server: RedisServer,
) -> None:
    async with asyncio.timeout(10), reading(redis_server.url) as source:
        await source.connect(5)
        sleeping = asyncio.create_task(
            source.run(lambda s: s.execute("DEBUG", "SLEEP", "0.3"), 1)
        )
        await asyncio.sleep(0.1)
        redis_server.pause()
        try:
            with pytest.raises(SourceError) as caught:
                await sleeping
        finally:
            redis_server.resume()
        assert caught.value.reason is Reason.TIMEOUT
        assert await read_once(source) != {}
        with admin(redis_server) as client:
            assert our_connections(client) == 1


async def test_a_killed_server_is_refused_and_read_again_after_its_restart(
    redis_server: RedisServer,
) -> None:
    async with asyncio.timeout(30), reading(redis_server.url) as source:
        before = await read_once(source)
        redis_server.kill()
        try:
            with pytest.raises(SourceError) as caught:
                await read_once(source)
        finally:
            redis_server.start()
        after = await read_once(source)
    assert caught.value.reason is Reason.CONNECT
    assert before["run_id"] != after["run_id"]


async def test_a_restart_between_two_polls_is_not_noticed(
    redis_server: RedisServer,
) -> None:
    async with asyncio.timeout(30), reading(redis_server.url) as source:
        before = await read_once(source)
        await asyncio.to_thread(redis_server.kill)
        await asyncio.to_thread(redis_server.start)
        after = await read_once(source)
    assert before["run_id"] != after["run_id"]


async def test_another_version_on_the_same_port_is_read() -> None:
    with open_folder() as folder:
        old = RedisServer(folder / "old", binary=from_path())
        new = RedisServer(folder / "new", binary=from_wheel())
        new.port = old.port
        async with asyncio.timeout(30), reading(old.url) as source:
            with running(old):
                assert "valkey_version" not in await read_once(source)
            await asyncio.to_thread(new.start)
            try:
                assert "valkey_version" in await read_once(source)
            finally:
                new.stop()


async def test_a_connection_that_an_operator_kills_is_replaced(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        await read_once(source)
        with admin(redis_server) as client:
            await asyncio.to_thread(client.client_kill_filter, skipme=True)
            assert await read_once(source) != {}
            assert our_connections(client) == 1


async def test_a_port_that_accepts_and_never_answers_costs_the_deadline() -> None:
    async with answering(None) as port:
        found = await failure(f"redis://127.0.0.1:{port}")
        over_tls = await failure(f"rediss://127.0.0.1:{port}")
    assert (found.reason, over_tls.reason) == (Reason.TIMEOUT, Reason.TIMEOUT)


async def test_a_backlog_that_nobody_accepts_costs_the_deadline() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        found = await failure(f"redis://127.0.0.1:{port}")
    assert found.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"+" + b"x" * 100_000,
        b"$no-number\r\n",
    ],
)
async def test_another_kind_of_server_is_a_matter_of_protocol(answer: bytes) -> None:
    async with answering(answer, echo=True) as port:
        found = await failure(f"redis://:{SECRET}@127.0.0.1:{port}")
    assert found.reason is Reason.PROTOCOL


async def test_a_server_that_repeats_the_password_is_not_repeated() -> None:
    async with answering(b"-ERR unknown command 'AUTH' " + SECRET.encode()) as port:
        found = await failure(f"redis://:{SECRET}@127.0.0.1:{port}")
    assert found.reason in (Reason.AUTH, Reason.CONNECT)


async def test_a_server_that_closes_at_once_is_a_matter_of_the_connection() -> None:
    async with answering(b"") as port:
        found = await failure(f"redis://127.0.0.1:{port}")
    assert found.reason is Reason.CONNECT
    assert str(found) == f"127.0.0.1:{port} hangs up before it has answered anything"


async def test_half_an_answer_costs_the_deadline_and_the_connection() -> None:
    greeting = b"+OK\r\n+PONG\r\n"

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1000)
        writer.write(greeting)
        await reader.read(1000)
        writer.write(b"$1000\r\nredis_version:")
        await reader.read()

    async with (
        asyncio.timeout(5),
        faking(serve) as port,
        reading(f"redis://127.0.0.1:{port}") as source,
    ):
        with pytest.raises(SourceError) as caught:
            await read_once(source)
        assert source.connections == 0
    assert caught.value.reason is Reason.TIMEOUT


async def test_a_closed_port_and_a_host_that_is_none_are_told_apart() -> None:
    port = free_port()
    refused = await failure(f"redis://127.0.0.1:{port}")
    nowhere = await failure("redis://no-such-host.invalid:6379")
    no_file = await failure("unix:///no/such/redis.sock")
    assert [str(error) for error in (refused, nowhere, no_file)] == [
        f"127.0.0.1:{port}: Connection refused",
        "no such host: no-such-host.invalid:6379",
        "/no/such/redis.sock: No such file or directory",
    ]
    assert {error.reason for error in (refused, nowhere, no_file)} == {Reason.CONNECT}
