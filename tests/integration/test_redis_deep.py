"""Clients, memory, roles and refusals on real servers."""

from __future__ import annotations

import socket

import pytest
import redis
from redis.exceptions import NoPermissionError

from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    BINARIES,
    COLLECTORS,
    admin,
    poll,
    reading,
    running,
    tell,
)

DENIED = "redis_acl_access_denied_{}_total"


async def test_pools_and_kinds_of_clients_are_shown(redis_server: RedisServer) -> None:
    async with reading(redis_server.url) as source:
        with (
            admin(redis_server, client_name="shop-1") as one,
            admin(redis_server, client_name="shop-2") as two,
            admin(redis_server) as three,
            three.pubsub() as feed,  # type: ignore[no-untyped-call]  # driver
        ):
            one.ping()
            two.ping()
            feed.subscribe("news")
            feed.get_message(timeout=5)
            found = await poll(source, "clients")
    assert found["redis_pool_connections"]["shop-*", "active"] == 2
    assert found["redis_pool_connections"]["kpi-exporter", "active"] == 1
    assert found["redis_clients"][("pubsub",)] == 1
    assert found["redis_clients"][("normal",)] >= 3
    assert found["redis_client_list_omitted"] == {(): 0}


async def test_a_subscriber_that_does_not_read_shows_in_the_output_buffers(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client, socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", redis_server.port))
            deaf.sendall(b"SUBSCRIBE news\r\n")
            while not tell(client, "PUBLISH news first"):
                pass
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(15_000):
                    pipeline.publish("news", "x" * 1000)
                pipeline.execute()
            found = await poll(source, "clients")
    largest = found["redis_client_output_buffer_largest_bytes"]
    assert largest[("pubsub",)] > 1_000_000
    assert largest[("normal",)] < 1_000_000


async def test_memory_is_shown_by_area_and_judged_by_a_limit(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            client.set("a", "x" * 1_000_000)
            without = await poll(source, "memory")
            client.config_set("maxmemory", 100_000_000)
            limited = await poll(source, "memory")
            client.config_set("maxmemory", 0)
    assert without["redis_memory_area_bytes"][("dataset",)] > 1_000_000
    assert without["redis_memory_area_bytes"][("other",)] == 0
    assert without["redis_db_overhead_bytes"][("db0",)] > 0
    ((by,),) = without["redis_memory_limit_bytes"]
    assert by in {"host", "cgroup"}
    assert limited["redis_memory_limit_bytes"] == {("maxmemory",): 100_000_000}


async def test_what_access_control_refuses_is_counted(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            tell(client, "ACL SETUSER ana on >pw +get ~mine:*")
            states = {name: COLLECTORS[name].state() for name in ("acl", "info")}

            async def count() -> dict[str, float]:
                polls = [await poll(source, name, states[name]) for name in states]
                found = {name: v for each in polls for name, v in each.items()}
                reasons = ("auth", "cmd", "key")
                return {reason: found[DENIED.format(reason)][()] for reason in reasons}

            before = await count()
            with pytest.raises(redis.AuthenticationError):
                tell(client, "AUTH ana wrong")
            with admin(redis_server, username="ana", password="pw") as ana:
                for bad in ("SET mine:a 1", "GET yours:a", "GET yours:a"):
                    with pytest.raises(NoPermissionError):
                        tell(ana, bad)
            after = await count()
    more = {reason: after[reason] - before[reason] for reason in after}
    assert more["key"] == 2
    assert more["auth"] >= 1  # the driver of the tests tries again
    assert more["cmd"] >= 1  # and names itself, which ana may not


@pytest.mark.parametrize("kind", BINARIES)
async def test_a_failover_is_a_change_of_role_and_no_death(kind: str) -> None:
    with open_folder() as folder:
        server = RedisServer(folder / "data", binary=BINARIES[kind]())
        with running(server), admin(server) as client:
            state = COLLECTORS["info"].state()
            async with reading(server.url) as source:
                await poll(source, "info", state)
                tell(client, "REPLICAOF 127.0.0.1 1")
                below = await poll(source, "info", state)
                tell(client, "REPLICAOF NO ONE")
                above = await poll(source, "info", state)
                assert source.connections == 1
    assert below["redis_role"] == {("master",): 0, ("slave",): 1}
    assert below["redis_master_link_up"] == {("127.0.0.1", "1"): 0}
    assert below["redis_role_changes_total"] == {(): 1}
    assert above["redis_role"] == {("master",): 1, ("slave",): 0}
    assert above["redis_role_changes_total"] == {(): 2}


async def test_the_one_line_of_rights_is_enough_for_every_collector(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER ana on >pw resetkeys -@all +ping +client|setname")
        url = f"redis://ana:pw@127.0.0.1:{redis_server.port}"
        async with reading(url) as source:
            await source.connect(5)
            with pytest.raises(Exception, match="does not let user ana") as caught:
                await source.run(COLLECTORS["latency"].read, 5)
            tell(client, "ACL LOG RESET")
            tell(client, str(caught.value.fix))  # type: ignore[attr-defined]  # SourceError
            for collector in COLLECTORS.values():
                await source.run(collector.read, 5)
            refused = [(one["object"], one["count"]) for one in client.acl_log()]
    # What that would show besides is not worth the right; it is asked for once.
    assert refused in ([("config|get", 1)], [("config", 1)])


async def test_sampled_keys_are_shown_by_group(redis_server: RedisServer) -> None:
    settings = {"sample": 60, "groups": ["session:"]}
    async with reading(redis_server.url, keys=settings) as source:
        with admin(redis_server) as client:
            client.config_set("maxmemory-policy", "allkeys-lfu")
            for number in range(50):
                client.set(f"session:{number}", "x" * 5000)
            client.set(b"\xff\xfe", "odd")
            await source.connect(5)
            rows = await source.run(COLLECTORS["keys"].read, 5)
            commands = client.info("commandstats")
            client.config_set("maxmemory-policy", "noeviction")
    assert {key.group for key in rows} <= {"session:", "other"}
    assert all(key.size > 5000 for key in rows if key.group == "session:")
    assert all(key.frequency is not None for key in rows)
    assert 20 < len(rows) <= 60
    assert {"cmdstat_keys", "cmdstat_scan"}.isdisjoint(commands)


async def test_keys_are_not_asked_for_unless_that_is_wanted(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        assert await poll(source, "keys") == {}
        with admin(redis_server) as client:
            assert "cmdstat_randomkey" not in client.info("commandstats")


async def test_a_replica_that_serves_no_stale_data_still_shows_how_it_is(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        client.config_set("replica-serve-stale-data", "no")
        tell(client, "REPLICAOF 127.0.0.1 1")
        try:
            async with reading(redis_server.url) as source:
                found = await poll(source, "info")
                await poll(source, "commandstats")
        finally:
            tell(client, "REPLICAOF NO ONE")
            client.config_set("replica-serve-stale-data", "yes")
    assert found["redis_master_link_up"] == {("127.0.0.1", "1"): 0}
