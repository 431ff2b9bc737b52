"""Steps of latency are asked for of those commands alone that were called since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collectors.redis_latency import State
from exporter.demo.servers.redis import RedisServer, from_path
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import admin, poll, reading, running

if TYPE_CHECKING:
    import redis

    from exporter.sources.redis import RedisSource

COUNT = "redis_command_duration_seconds_count"


async def counted(source: RedisSource, state: State) -> dict[str | None, Any]:
    """Poll; returns the calls of each command."""
    found = await poll(source, "latency", state)
    return {labels[0]: value for labels, value in found[COUNT].items()}


def asked(client: redis.Redis) -> list[set[str]]:
    """Return the commands that were asked for each time, the latest first."""
    log = [entry["command"].decode().split() for entry in client.slowlog_get(128)]
    return [set(words[2:]) for words in log if words[:2] == ["LATENCY", "HISTOGRAM"]]


async def test_only_commands_that_were_called_since_are_asked_for() -> None:
    with open_folder() as folder:
        server = RedisServer(folder / "data", binary=from_path())
        state = State()
        with running(server), admin(server) as client:
            client.config_set("slowlog-log-slower-than", 0)
            client.get("a")
            async with reading(server.url) as source:
                first = await counted(source, state)
                client.set("b", 1)
                await counted(source, state)
                client.set("b", 1)
                second = await counted(source, state)
                latest, before, whole = asked(client)
                client.config_resetstat()
                client.get("a")
                third = await counted(source, state)
                after_reset = asked(client)[0]
    assert (first["get"], second["get"], third["get"]) == (1, 1, 2)
    assert second["set"] == 2
    assert (whole, after_reset) == (set(), set())
    assert "set" in latest & before
    assert "get" not in latest | before


async def test_a_renamed_command_is_counted_though_it_answers_to_no_name() -> None:
    with open_folder() as folder:
        settings = {"rename-command": "GET FETCH"}
        server = RedisServer(folder / "data", binary=from_path(), settings=settings)
        state = State()
        with running(server), admin(server) as client:
            async with reading(server.url) as source:
                found = []
                await counted(source, state)
                for _ in range(4):
                    client.execute_command("FETCH", "a")  # type: ignore[no-untyped-call]  # driver
                    found.append((await counted(source, state))["get"])
    assert found == [0, 2, 3, 4]
