"""Servers that hang, die, start or are none: reason, deadline and recovery."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import neo4j_indexes
from exporter.collectors import neo4j_server as server_collector
from exporter.config import Neo4jTarget
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.demo.servers.process import free_port
from exporter.errors import Reason, SourceError
from exporter.sources.neo4j import Neo4jSource
from tests.integration.exporter_process import open_folder
from tests.integration.neo4j_fixtures import (
    DEADLINE,
    collect,
    failure,
    our_connections,
    our_transactions,
    reading,
    until,
    wired,
    write_password,
)

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator
    from pathlib import Path

SHORT = 0.5
START = "neo4j_jvm_start_time_seconds"
BOLT_5_4 = b"\x00\x00\x04\x05"


@dataclass(frozen=True)
class Number:
    """One column."""

    n: int


class Counting:
    """A read that takes longer when told to count further."""

    def __init__(self) -> None:
        self.most = 1

    async def __call__(self, source: Neo4jSource) -> list[Number]:
        return await source.fetch(
            Number,
            "UNWIND range(1, $most) AS a UNWIND range(1, $most) AS b "
            "WITH a, b WHERE a + b = 1 RETURN a AS n",
            {"most": self.most},
        )


async def started(source: Neo4jSource) -> float:
    return (await collect(source, server_collector.COLLECTOR))[START][()]


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[str]:
    """Be a server that is no Neo4j: answers once, or never; then says nothing more."""
    clients: list[asyncio.StreamWriter] = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        clients.append(writer)
        if answer is not None:
            await reader.read(100)
            writer.write(answer)
        if answer == b"":
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"bolt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in clients:
            writer.close()


async def stranger(uri: str, *, timeout: float = SHORT) -> SourceError:
    """Return why a server that needs no password cannot be reached."""
    config = target_of(uri)
    source = Neo4jSource(config)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    error = await failure(source, timeout)
    assert loop.time() - begun < timeout + 0.4
    assert source.connections == 0
    await source.close()
    return error


def target_of(uri: str) -> Neo4jTarget:
    return Neo4jTarget.model_validate({"uri": uri})


async def test_a_port_that_accepts_and_never_answers_costs_the_deadline() -> None:
    async with answering(None) as uri:
        error = await stranger(uri)
    assert (error.reason, str(error)) == (Reason.TIMEOUT, "no answer within 0.5 s")


async def test_a_server_that_falls_silent_after_the_handshake_costs_the_deadline() -> (
    None
):
    async with answering(BOLT_5_4) as uri:
        assert (await stranger(uri)).reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.CONNECT),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.PROTOCOL),
        (b"\x00\x00\x00\x00", Reason.PROTOCOL),
        (b"+OK\r\n", Reason.PROTOCOL),
    ],
)
async def test_a_server_that_is_no_neo4j_is_told(answer: bytes, reason: Reason) -> None:
    async with answering(answer) as uri:
        error = await stranger(uri)
    assert error.reason is reason
    assert "\n" not in str(error)


async def test_a_closed_port_is_told() -> None:
    error = await stranger(f"bolt://127.0.0.1:{free_port()}")
    assert error.reason is Reason.CONNECT
    assert "Connect call failed" in str(error) or "refused" in str(error)


async def test_a_host_that_is_not_known_is_told() -> None:
    error = await stranger("bolt://no-such-host.invalid:7687", timeout=5)
    assert (error.reason, str(error)) == (
        Reason.CONNECT,
        "bolt://no-such-host.invalid:7687: no such host",
    )


async def test_tls_to_a_plain_port_is_told(neo4j_server: Neo4jServer) -> None:
    uri = f"bolt+ssc://127.0.0.1:{neo4j_server.port}"
    error = await stranger(uri, timeout=DEADLINE)
    assert error.reason is Reason.CONNECT
    assert "TLS failed" in str(error)
    assert error.fix is not None


async def test_an_unknown_database_is_told_and_not_logged_in_for_again(
    neo4j_server: Neo4jServer,
) -> None:
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri, databases=["sales"]) as source:
            errors = [await failure(source) for _ in range(3)]
            assert wire.logins == 1
    assert [error.reason for error in errors] == [Reason.CONNECT] * 3
    assert "sales" in str(errors[0])
    assert errors[0].fix is not None


async def test_an_unknown_second_database_leaves_the_target_up(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server, databases=["neo4j", "sales"]) as source:
        with pytest.raises(SourceError) as caught:
            await collect(source, neo4j_indexes.COLLECTOR)
        found = await collect(source, server_collector.COLLECTOR)
        assert our_connections(neo4j_server) == 1
    assert (caught.value.reason, caught.value.answered) == (Reason.CONNECT, True)
    status = found["neo4j_database_status"]
    assert sum(v for key, v in status.items() if key[0] == "sales") == 0


async def test_a_first_answer_that_takes_long_is_waited_for(
    neo4j_server: Neo4jServer,
) -> None:
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri) as source:
            wire.hold = (b"RETURN 1", 1.5)
            await source.connect(SHORT)
            assert wire.hold is None
            wire.hold = (b"RETURN 1", 1.5)
            assert (await failure(source, SHORT)).reason is Reason.TIMEOUT


async def test_a_first_read_that_takes_long_is_waited_for(
    neo4j_server: Neo4jServer,
) -> None:
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri) as source:
            count = Counting()
            for _ in range(2):
                await source.connect(DEADLINE)
                wire.hold = (b"UNWIND", 1.0)
                assert await source.run(count, SHORT) == []
                wire.hold = (b"UNWIND", 1.0)
                with pytest.raises(SourceError) as caught:
                    await source.run(count, SHORT)
                assert caught.value.reason is Reason.TIMEOUT


async def test_a_frozen_server_costs_the_deadline_and_comes_back(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        neo4j_server.pause()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            errors = [await failure(source, SHORT) for _ in range(3)]
            took = loop.time() - begun
            assert source.connections == 0
        finally:
            neo4j_server.resume()
        await source.connect(DEADLINE)
        await until(lambda: our_connections(neo4j_server) == 1)
    assert [error.reason for error in errors] == [Reason.TIMEOUT] * 3
    assert took < 3 * SHORT + 0.5


async def test_a_server_frozen_in_mid_query_costs_the_deadline(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        count = Counting()
        await source.connect(DEADLINE)
        await source.run(count, DEADLINE)
        count.most = 100_000
        running = asyncio.create_task(source.run(count, 2))
        await until(lambda: our_transactions(neo4j_server) == 1, 2)
        neo4j_server.pause()
        try:
            with pytest.raises(SourceError) as caught:
                await running
        finally:
            neo4j_server.resume()
        await collect(source, neo4j_indexes.COLLECTOR)
        await until(lambda: our_transactions(neo4j_server) == 0)
        await until(lambda: our_connections(neo4j_server) == 1)
    assert caught.value.reason is Reason.TIMEOUT


async def test_closing_does_not_wait_for_a_frozen_server(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        neo4j_server.pause()
        try:
            async with asyncio.timeout(1.2):
                await source.close()
        finally:
            neo4j_server.resume()


async def test_a_killed_server_is_refused_starting_and_then_read_again(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        before = await started(source)
        neo4j_server.kill()
        refused = await failure(source)
        neo4j_server.launch()
        reasons = {refused.reason}
        async with asyncio.timeout(60):
            while True:
                try:
                    await source.connect(SHORT)
                except SourceError as error:
                    reasons.add(error.reason)
                    await asyncio.sleep(0.05)
                else:
                    break
        await asyncio.to_thread(neo4j_server.wait)
        after = await started(source)
        assert our_connections(neo4j_server) == 1
    assert refused.reason is Reason.CONNECT
    assert reasons <= {Reason.CONNECT, Reason.STARTING, Reason.TIMEOUT}
    assert after > before


async def test_a_restart_between_two_polls_is_not_noticed(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server) as source:
        before = await started(source)
        await asyncio.to_thread(neo4j_server.restart)
        after = await started(source)
    assert after > before


@asynccontextmanager
async def broken_database(folder: Path) -> AsyncIterator[Neo4jServer]:
    """Run a server whose database cannot start, while the server itself can."""
    server = Neo4jServer(folder / "neo4j", password="right-password")
    write_password(server, server.password)
    try:
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.stop)
        store = server.folder / "data" / "databases" / "neo4j"
        for name in ("neostore", "neostore.counts.db"):
            with (store / name).open("r+b") as file:
                file.write(b"\xff" * 4096)
        server.launch()
        yield server
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_database_that_cannot_start_is_not_up_although_bolt_answers() -> None:
    with open_folder() as folder:
        async with broken_database(folder) as server, reading(server) as source:
            reason = Reason.CONNECT
            async with asyncio.timeout(60):
                while reason is Reason.CONNECT:
                    error = await failure(source)
                    reason = error.reason
                    await asyncio.sleep(0.1)
            assert error.fix is not None
            assert "SHOW DATABASES" in error.fix
        shutil.rmtree(server.folder)
    assert error.reason is Reason.STARTING
