"""What each server tells itself from another one, or from itself before, with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.postgres_settings import COLLECTOR as SETTINGS
from exporter.config import PostgresTarget
from exporter.demo.servers.redis import RedisServer
from exporter.snapshot import Snapshot
from exporter.sources.postgres import PostgresSource
from exporter.target import Clock, TargetPoller
from tests.integration import neo4j_fixtures, redis_fixtures
from tests.integration.exporter_process import open_folder
from tests.integration.monitored_postgres import PASSWORD, owner, started

if TYPE_CHECKING:
    from typing import Any

    from exporter.demo.servers.neo4j import Neo4jServer
    from exporter.sources.base import Source


async def identity(source: Source[Any]) -> str | None:
    """Ask it on a connection of its own."""
    try:
        await source.connect(5)
        return await source.run(_ask, 5)
    finally:
        await source.close()


async def _ask(source: Source[Any]) -> str | None:
    return await source.identity()


async def test_redis_is_another_one_after_a_restart() -> None:
    with open_folder() as folder:
        server = RedisServer(folder / "data")
        with redis_fixtures.running(server):
            async with redis_fixtures.reading(server.url) as source:
                first = [await identity(source), await identity(source)]
        with redis_fixtures.running(server):
            async with redis_fixtures.reading(server.url) as source:
                second = await identity(source)
    assert first[0] == first[1]
    assert second not in (None, first[0])


async def test_neo4j_says_when_it_started(neo4j_server: Neo4jServer) -> None:
    async with neo4j_fixtures.reading(neo4j_server) as source:
        found = [await identity(source), await identity(source)]
    assert found[0] == found[1]
    assert found[0]
    assert found[0].isdecimal()


async def test_postgresql_that_was_restarted_between_polls_is_read_anew() -> None:
    with open_folder() as folder:
        server = started(folder, 16)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        config = PostgresTarget.model_validate(
            {"dsn": server.dsn("orders"), "password_file": secret}
        )
        config.name_it("orders")
        snapshot = Snapshot()
        poller = TargetPoller(PostgresSource(config), [SETTINGS], snapshot, Clock())
        try:
            await poller.round()
            before = snapshot.page("orders").plain.decode()
            with owner(server) as session:
                session.execute("alter system set max_connections = 57")
            server.stop()
            server.start()
            await poller.round()
            after = snapshot.page("orders").plain.decode()
        finally:
            await poller.close()
            server.stop()
    setting = 'pg_settings_max_connections{target="orders"} '
    assert setting in before
    assert f"{setting}57.0\n" not in before
    assert f"{setting}57.0\n" in after
