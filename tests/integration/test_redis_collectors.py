"""The Redis collectors on real servers."""

from __future__ import annotations

import pytest

from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    BINARIES,
    COLLECTORS,
    NEW,
    admin,
    poll,
    reading,
    running,
    tell,
)


async def test_info_shows_what_the_server_did(redis_server: RedisServer) -> None:
    with admin(redis_server) as client:
        client.set("a", "1", ex=100)
        client.get("a")
        client.get("b")
    with admin(redis_server, db=3) as client:
        client.set("a", "1")
    async with reading(redis_server.url) as source:
        found = await poll(source, "info", COLLECTORS["info"].state())
    assert found["redis_memory_max_bytes"] == {(): 0}
    assert found["redis_keyspace_hits_total"] == {(): 1}
    assert found["redis_keyspace_misses_total"] == {(): 1}
    assert found["redis_db_keys"] == {("db0",): 1, ("db3",): 1}
    assert found["redis_db_keys_expiring"] == {("db0",): 1, ("db3",): 0}
    assert found["redis_process_id"] == {(): redis_server.process.pid}
    assert found["redis_total_system_memory_bytes"][()] > 0


async def test_commands_stay_monotonic_through_a_reset(
    redis_server: RedisServer,
) -> None:
    shown = []
    state = COLLECTORS["commandstats"].state()
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            for step in range(6):
                for _ in range(10 - step):
                    client.get("a")
                found = await poll(source, "commandstats", state)
                shown.append(found["redis_commands_total"][("get",)])
                if step == 2:
                    client.config_resetstat()
    assert shown == [10, 19, 27, 34, 40, 45]


async def test_failed_and_rejected_calls_are_told_apart(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        client.set("a", "text")
        for bad in ("LPUSH a 1", "GET a b"):
            with pytest.raises(Exception, match=r"wrong (kind|number)"):
                tell(client, bad)
    async with reading(redis_server.url) as source:
        found = await poll(source, "commandstats", COLLECTORS["commandstats"].state())
    assert found["redis_commands_failed_calls_total"][("lpush",)] == 1
    assert found["redis_commands_rejected_calls_total"][("get",)] == 1
    assert found["redis_commands_total"][("lpush",)] == 1
    assert found["redis_commands_duration_seconds_total"][("lpush",)] > 0


async def test_a_server_outside_a_cluster_is_not_asked_and_counts_no_error(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        assert await poll(source, "cluster", None) == {}
        found = await poll(source, "info", COLLECTORS["info"].state())
    assert found["redis_total_error_replies"] == {(): 0}
    assert found["redis_cluster_enabled"] == {(): 0}


@pytest.mark.parametrize("kind", NEW)
async def test_a_node_shows_its_cluster(kind: str) -> None:
    with open_folder() as folder:
        server = RedisServer(
            folder / "data",
            binary=BINARIES[kind](),
            settings={"cluster-enabled": "yes", "cluster-port": str(free_port())},
        )
        with running(server), admin(server) as client:
            async with reading(server.url) as source:
                before = await poll(source, "cluster", None)
                tell(client, "CLUSTER ADDSLOTSRANGE 0 100")
                after = await poll(source, "cluster", None)
                shown = await poll(source, "info", COLLECTORS["info"].state())
    assert before["redis_cluster_state"] == {(): 0}
    assert before["redis_cluster_slots_assigned"] == {(): 0}
    assert after["redis_cluster_slots_assigned"] == {(): 101}
    assert shown["redis_cluster_enabled"] == {(): 1}


@pytest.mark.parametrize("kind", BINARIES)
async def test_a_replica_and_its_master_show_each_other(kind: str) -> None:
    with open_folder() as folder:
        master = RedisServer(
            folder / "one",
            binary=BINARIES[kind](),
            settings={"repl-diskless-sync-delay": "0"},
        )
        replica = RedisServer(
            folder / "two",
            binary=BINARIES[kind](),
            settings={"replicaof": f"127.0.0.1 {master.port}"},
        )
        with running(master), running(replica), admin(master) as client:
            client.set("a", "1")
            client.wait(1, 10_000)
            async with reading(master.url) as source:
                above = await poll(source, "info", COLLECTORS["info"].state())
            async with reading(replica.url) as source:
                below = await poll(source, "info", COLLECTORS["info"].state())
    ((_, port, state),) = above["redis_connected_slave_offset_bytes"]
    link = ("127.0.0.1", str(master.port))
    assert (port, state) == (str(replica.port), "online")
    assert above["redis_connected_slaves"] == {(): 1}
    assert below["redis_master_link_up"] == {link: 1}
    assert below["redis_slave_info"] == {(*link, "1"): 1}


async def test_a_replica_that_does_not_follow_falls_behind_by_what_is_written() -> None:
    with open_folder() as folder:
        master = RedisServer(folder / "one", settings={"repl-diskless-sync-delay": "0"})
        replica = RedisServer(
            folder / "two", settings={"replicaof": f"127.0.0.1 {master.port}"}
        )
        with running(master), running(replica), admin(master) as client:
            client.set("a", "1")
            client.wait(1, 10_000)
            replica.pause()
            client.set("b", "x" * 2_000_000)
            async with reading(master.url) as source:
                found = await poll(source, "info", COLLECTORS["info"].state())
            replica.resume()
    (reached,) = found["redis_connected_slave_offset_bytes"].values()
    behind = found["redis_master_repl_offset"][()] - reached
    assert 2_000_000 < behind < 2_100_000
    assert found["redis_replication_backlog_bytes"] == {(): 1 << 20}
