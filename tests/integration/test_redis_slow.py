"""Latency per command and the slow log on real servers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from exporter.demo.servers.redis import RedisServer
from exporter.errors import Reason, SourceError
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import COLLECTORS, admin, reading, running, tell

if TYPE_CHECKING:
    import redis

    from exporter.sources.redis import RedisSource

SLOW = ("redis_slow_command_duration_seconds", "_count")
CANARY = "redis_canary_duration_seconds"
TOOK = ("redis_command_duration_seconds", "_count")

BUSY = """
local first = redis.call("TIME")
repeat
  local now = redis.call("TIME")
  local passed = (now[1] - first[1]) * 1000 + (now[2] - first[2]) / 1000
until passed > tonumber(ARGV[1])
"""


async def poll(source: RedisSource, name: str, state: Any) -> dict[Any, Any]:
    """Run a collector once; its values by name, suffix and first label."""
    await source.connect(5)
    rows = await source.run(COLLECTORS[name].read, 5)
    return {
        (metric.name, suffix, labels[0] if labels else None): value
        for metric, value, labels, suffix in COLLECTORS[name].samples(rows, state)
        if suffix != "_bucket"
    }


def log_everything(client: redis.Redis) -> None:
    """Let each command be slow, and begin with an empty log."""
    client.config_set("slowlog-log-slower-than", 0)
    client.slowlog_reset()


def old(client: redis.Redis) -> bool:
    """Tell whether the server is older than LATENCY HISTOGRAM."""
    return str(client.info("server")["redis_version"]) < "7"


async def test_the_latency_of_commands_goes_on_through_a_reset(
    redis_server: RedisServer,
) -> None:
    state = COLLECTORS["latency"].state()
    shown = []
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            for step in range(4):
                for _ in range(10 - step):
                    client.get("a")
                found = await poll(source, "latency", state)
                shown.append(found.get((*TOOK, "get")))
                if step == 1:
                    client.config_resetstat()
            if old(client):
                assert shown == [None] * 4
            else:
                assert shown == [10, 19, 27, 34]
                assert 0 < found["redis_command_duration_seconds", "_sum", "get"] < 1
    assert found["redis_canary_duration_seconds", "_count", None] == 4


async def test_a_server_that_does_not_track_latency_says_what_mends_it(
    redis_server: RedisServer,
) -> None:
    inspect = COLLECTORS["latency"].inspect
    assert inspect is not None
    async with reading(redis_server.url) as source:
        await source.connect(5)
        with admin(redis_server) as client:
            if old(client):
                (finding,) = await source.run(inspect, 5)
                assert finding.fix == "upgrade the server"
                return
            client.config_set("latency-tracking", "no")
            client.config_resetstat()
            without = await source.run(inspect, 5)
            client.config_set("latency-tracking", "yes")
            client.get("a")
            tracked = await source.run(inspect, 5)
    assert [finding.fix for finding in without] == ["CONFIG SET latency-tracking yes"]
    assert tracked == []


async def test_each_slow_entry_is_counted_once(redis_server: RedisServer) -> None:
    state = COLLECTORS["slowlog"].state()
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            log_everything(client)
            client.get("before")
            shown = []
            for times in (0, 3, 0, 2):
                found = await poll(source, "slowlog", state)
                shown.append(found.get((*SLOW, "get"), 0))
                for _ in range(times):
                    client.get("user:4711")
            client.slowlog_reset()
            client.get("after")
            found = await poll(source, "slowlog", state)
            client.config_set("slowlog-log-slower-than", 10_000)
    assert shown == [0, 0, 3, 3]
    assert found[*SLOW, "get"] == 4
    assert found["redis_slowlog_entries_missed_total", "", None] >= 2


async def test_a_full_log_is_read_in_part_and_the_rest_is_counted_as_missed(
    redis_server: RedisServer,
) -> None:
    state = COLLECTORS["slowlog"].state()
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            log_everything(client)
            await poll(source, "slowlog", state)
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(1000):
                    pipeline.get("a")
                pipeline.execute()
            client.config_set("slowlog-log-slower-than", 10_000)
            found = await poll(source, "slowlog", state)
            again = await poll(source, "slowlog", state)
    read = found[*SLOW, "get"]
    missed = found["redis_slowlog_entries_missed_total", "", None]
    assert 100 <= read <= 128
    assert 1000 <= read + missed <= 1010
    assert again == found


async def test_a_restart_starts_the_ids_again_and_nothing_is_counted_twice(
    redis_server: RedisServer,
) -> None:
    state = COLLECTORS["slowlog"].state()
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            log_everything(client)
            await poll(source, "slowlog", state)
            for _ in range(50):
                client.get("a")
            before = (await poll(source, "slowlog", state))[*SLOW, "get"]
        await asyncio.to_thread(redis_server.kill)
        await asyncio.to_thread(redis_server.start)
        with admin(redis_server) as client:
            log_everything(client)
            for _ in range(3):
                client.get("a")
            tell(client, "CONFIG SET slowlog-log-slower-than 10000")
            after = (await poll(source, "slowlog", state))[*SLOW, "get"]
    assert (before, after) == (50, 53)


async def test_ids_of_a_log_that_was_reset_before_us_were_not_missed(
    redis_server: RedisServer,
) -> None:
    state = COLLECTORS["slowlog"].state()
    with admin(redis_server) as client:
        log_everything(client)
        for _ in range(40):
            client.get("a")
        client.config_set("slowlog-log-slower-than", 1_000_000)
        tell(client, "SLOWLOG RESET")
        async with reading(redis_server.url) as source:
            await poll(source, "slowlog", state)
            client.config_set("slowlog-log-slower-than", 0)
            client.get("a")
            client.config_set("slowlog-log-slower-than", 1_000_000)
            shown = await poll(source, "slowlog", state)
        tell(client, "CONFIG SET slowlog-log-slower-than 10000")
    assert shown[*SLOW, "get"] == 1
    assert shown["redis_slowlog_entries_missed_total", "", None] == 0


@pytest.mark.parametrize(
    ("command", "lost"),
    [
        ("LATENCY", {"latency_events"}),
        ("SLOWLOG", {"slowlog"}),
        ("MEMORY", {"memory"}),
        ("CLIENT", {"clients"}),
    ],
)
async def test_a_renamed_command_costs_its_collectors_and_no_other(
    command: str, lost: set[str]
) -> None:
    with open_folder() as folder:
        settings = {"rename-command": f'{command} ""'}
        with running(RedisServer(folder / "data", settings=settings)) as server:
            failed = await failures(server.url)
    assert failed == dict.fromkeys(lost, Reason.UNSUPPORTED)


async def test_where_latency_is_refused_the_round_trip_is_still_measured() -> None:
    state = COLLECTORS["latency"].state()
    with open_folder() as folder:
        server = RedisServer(folder / "data")
        with running(server), admin(server) as client:
            tell(client, "ACL SETUSER ana on >pw +ping +info +client|setname")
            async with reading(f"redis://ana:pw@127.0.0.1:{server.port}") as source:
                refused = await poll(source, "latency", state)
                (why,) = source.parts.values()
                tell(client, "ACL SETUSER ana +latency|histogram")
                allowed = await poll(source, "latency", state)
                (healed,) = source.parts.values()
    assert refused.keys() == {(CANARY, "_count", None), (CANARY, "_sum", None)}
    assert why is not None
    assert (why.reason, "LATENCY HISTOGRAM" in str(why)) == (Reason.PERMISSION, True)
    assert "+latency|histogram" in str(why.fix)
    assert healed is None
    assert allowed[CANARY, "_count", None] == 2
    assert allowed[*TOOK, "ping"] >= 1


async def test_what_held_the_server_up_is_shown_where_it_is_watched(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            tell(client, "LATENCY RESET")
            before = await poll(source, "latency_events", None)
            client.config_set("latency-monitor-threshold", 20)
            client.eval(BUSY, 0, 60)
            client.config_set("latency-monitor-threshold", 0)
            (now, _) = client.time()
            after = await poll(source, "latency_events", None)
    assert before == {}
    took = after["redis_latency_spike_duration_seconds", "", "command"]
    assert 0.02 <= took < 5
    assert abs(after["redis_latency_spike_last", "", "command"] - now) < 10


async def test_a_proxy_that_knows_neither_hello_nor_resp3_is_read() -> None:
    with open_folder() as folder:
        settings = {"rename-command": 'HELLO ""'}
        with running(RedisServer(folder / "data", settings=settings)) as server:
            assert await failures(server.url) == {}


async def test_a_script_that_blocks_the_server_breaks_nothing_of_ours(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        script = asyncio.create_task(
            asyncio.to_thread(client.eval, "while true do end", 0)
        )
        await asyncio.sleep(0.3)
        blocked = await failures(redis_server.url)
        with admin(redis_server) as other:
            other.script_kill()
        await asyncio.gather(script, return_exceptions=True)
    assert set(blocked.values()) == {Reason.LOCK}
    assert await failures(redis_server.url) == {}


async def failures(url: str) -> dict[str, Reason]:
    """Run every collector on one connection and return why some failed."""
    found = {}
    async with reading(url) as source:
        await source.connect(5)
        for name, collector in COLLECTORS.items():
            try:
                await source.run(collector.read, 5)
            except SourceError as error:
                found[name] = error.reason
        assert source.connections == 1
    return found
