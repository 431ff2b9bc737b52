"""Addresses behind which there is no Neo4j: each is told for what it is, in time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.config import Neo4jTarget
from exporter.demo.servers.process import free_port
from exporter.errors import Reason, SourceError
from exporter.sources.neo4j import Neo4jSource
from tests.integration.neo4j_fixtures import DEADLINE, failure

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

    from exporter.demo.servers.neo4j import Neo4jServer

SHORT = 0.5
PATIENCE = 2.0  # seconds on top, for a busy machine
BOLT_5_4 = b"\x00\x00\x04\x05"


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
    source = Neo4jSource(Neo4jTarget.model_validate({"uri": uri}))
    async with asyncio.timeout(timeout + PATIENCE):
        error = await failure(source, timeout)
        assert source.connections == 0
        await source.close()
    return error


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
