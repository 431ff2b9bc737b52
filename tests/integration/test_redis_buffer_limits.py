"""Limits of output buffers on real servers, with the right to read them and without."""

from __future__ import annotations

from exporter.collectors.redis_buffer_limits import COLLECTOR, inspect
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import admin, poll, reading, running, tell

LIMIT, SECONDS = (metric.name for metric in COLLECTOR.metrics)
SETTING = "client-output-buffer-limit"


async def test_limits_are_those_that_the_server_has(redis_server: RedisServer) -> None:
    with admin(redis_server) as client:
        before = str(client.config_get(SETTING)[SETTING])
        client.config_set(SETTING, "pubsub 3mb 1mb 7")
        async with reading(redis_server.url) as source:
            found = await poll(source, "buffer_limits")
            assert await source.run(inspect, 5) == []
        client.config_set(SETTING, before)
    assert found[LIMIT]["pubsub", "hard"] == 3 * 2**20
    assert found[LIMIT]["pubsub", "soft"] == 2**20
    assert found[SECONDS]["pubsub", "soft"] == 7
    assert {name for name, _ in found[LIMIT]} == {"normal", "slave", "pubsub"}


async def test_without_the_right_there_are_none_and_one_refusal_in_the_log(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER ana on >pw +ping +info +client|setname")
        tell(client, "ACL LOG RESET")
        async with reading(f"redis://ana:pw@127.0.0.1:{redis_server.port}") as source:
            assert [await poll(source, "buffer_limits") for _ in range(3)] == [
                {},
                {},
                {},
            ]
            (finding,) = await source.run(inspect, 5)
        (entry,) = client.acl_log()
    assert "+config|get" in finding.missing
    assert not finding.fix
    assert entry["count"] == 1


async def test_a_server_without_the_command_shows_none() -> None:
    with open_folder() as folder:
        server = RedisServer(folder / "data", settings={"rename-command": 'CONFIG ""'})
        with running(server):
            async with reading(server.url) as source:
                assert await poll(source, "buffer_limits") == {}
                assert len(await source.run(inspect, 5)) == 1
