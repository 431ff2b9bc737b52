"""Servers that hang, die, start or are none: reason, deadline and recovery."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import neo4j_indexes, neo4j_jvm
from exporter.collectors import neo4j_server as server_collector
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.errors import Reason, SourceError
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
    from collections.abc import AsyncIterator
    from pathlib import Path

    from exporter.sources.neo4j import Neo4jSource

SHORT = 0.5
PATIENCE = 2.0  # seconds on top, for a busy machine
START = "neo4j_jvm_start_time_seconds"


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
    return (await collect(source, neo4j_jvm.COLLECTOR))[START][()]


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
        try:
            async with asyncio.timeout(3 * SHORT + PATIENCE):
                errors = [await failure(source, SHORT) for _ in range(3)]
            assert source.connections == 0
        finally:
            neo4j_server.resume()
        await source.connect(DEADLINE)
        await until(lambda: our_connections(neo4j_server) == 1)
    assert [error.reason for error in errors] == [Reason.TIMEOUT] * 3


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
            async with asyncio.timeout(1 + PATIENCE):
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
        before, known = await started(source), source.server
        await asyncio.to_thread(neo4j_server.restart)
        after = await started(source)
        assert source.server is not known
        assert our_connections(neo4j_server) == 1
    assert after > before


async def test_a_connection_that_is_cut_is_replaced_at_the_next_poll(
    neo4j_server: Neo4jServer,
) -> None:
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri) as source:
            count = Counting()
            await source.connect(DEADLINE)
            await wire.cut()
            with pytest.raises(SourceError) as caught:
                await source.run(count, DEADLINE)
            assert (wire.logins, source.connections) == (1, 0)
            await source.connect(DEADLINE)
            assert await source.run(count, DEADLINE) == []
            await wire.cut()
            await source.connect(DEADLINE)
            assert (wire.logins, source.connections) == (3, 1)
    assert (caught.value.reason, caught.value.answered) == (Reason.CONNECT, False)


async def test_a_uri_for_routing_is_read_as_that_of_one_server(
    neo4j_server: Neo4jServer,
) -> None:
    async with wired(neo4j_server) as wire:
        uri = f"neo4j://127.0.0.1:{wire.port}"
        async with reading(neo4j_server, uri=uri) as source:
            await collect(source, neo4j_indexes.COLLECTOR)
            assert wire.connections == our_connections(neo4j_server) == 1


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
