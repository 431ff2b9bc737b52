"""A real cluster and a real Sentinel behind one seed; a failover in each."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer, from_path
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    COLLECTORS,
    NEW,
    admin,
    poll,
    reading,
    running,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path


PATIENCE = 20.0
NODES = 4


async def until(
    ask: Callable[[], Awaitable[dict[str, Any]]],
    good: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    """Poll until something is so; raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not good(found := await ask()):  # noqa: ASYNC110 - a server has no event
            await asyncio.sleep(0.2)
    return found


@contextmanager
def cluster(kind: str) -> Iterator[list[RedisServer]]:
    """Run three masters, and a replica of the first."""
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        servers = [
            RedisServer(
                folder / f"node-{number}",
                binary=NEW[kind](),
                settings={
                    "cluster-enabled": "yes",
                    "cluster-port": str(free_port()),
                    "cluster-node-timeout": "2000",
                    "repl-diskless-sync-delay": "0",
                },
            )
            for number in range(NODES)
        ]
        for server in servers:
            stack.enter_context(running(server))
        with admin(servers[0]) as first:
            for number, server in enumerate(servers[1:], 1):
                bus = server.settings["cluster-port"]
                tell(first, f"CLUSTER MEET 127.0.0.1 {server.port} {bus}")
                if number < NODES - 1:
                    slots = f"{number * 5461 + 1} {number * 5461 + 5461}"
                    with admin(server) as client:
                        tell(client, f"CLUSTER ADDSLOTSRANGE {slots}")
            tell(first, "CLUSTER ADDSLOTSRANGE 0 5461")
        yield servers


def address(server: RedisServer) -> tuple[str]:
    return (f"127.0.0.1:{server.port}",)


@pytest.mark.parametrize("kind", NEW)
async def test_one_node_shows_its_cluster_and_a_failover_in_it(kind: str) -> None:
    with cluster(kind) as servers:
        *_, seed, replica = servers
        state = COLLECTORS["members"].state()
        async with reading(seed.url) as source:

            async def ask() -> dict[str, Any]:
                return await poll(source, "members", state)

            await until(ask, lambda f: f["redis_members"][()] == NODES)
            await until(
                ask, lambda f: f["redis_member_slots"][address(servers[0])] == 5462
            )
            with admin(servers[0]) as first, admin(replica) as last:
                await until(ask, lambda _: known(last, tell(first, "CLUSTER MYID")))
                tell(last, f"CLUSTER REPLICATE {tell(first, 'CLUSTER MYID')}")

                def follows(found: dict[str, Any]) -> bool:
                    roles = found["redis_member_master"]
                    links = found.get("redis_member_master_link_up", {})
                    return roles[address(replica)] == 0 and 1 in links.values()

                before = await until(ask, follows)
                tell(last, "CLUSTER FAILOVER TAKEOVER")
                after = await until(
                    ask, lambda f: f["redis_member_master"][address(replica)] == 1
                )
    assert before["redis_member_slots"][address(servers[0])] == 5462
    assert set(before["redis_member_up"].values()) == {1}
    assert before["redis_promotions_total"] == {(): 0}
    assert after["redis_promotions_total"] == {(): 1}
    assert after["redis_member_up"].keys() == before["redis_member_up"].keys()


def known(client: Any, node: str) -> bool:
    """Tell whether a node has met another one."""
    return node in str(tell(client, "CLUSTER NODES"))


async def test_members_beyond_the_budget_are_not_asked() -> None:
    with cluster("redis") as servers:
        async with reading(servers[0].url, members=2) as source:

            async def ask() -> dict[str, Any]:
                return await poll(source, "members", COLLECTORS["members"].state())

            found = await until(ask, lambda f: f["redis_members"][()] == NODES)
        async with reading(servers[0].url, members=0) as source:
            none = await poll(source, "members", COLLECTORS["members"].state())
    assert len(found["redis_member_up"]) == 2
    assert found["redis_members_omitted"] == {(): 2}
    assert none == {}


def sentinel_of(folder: Path, master: RedisServer) -> RedisServer:
    """Make a Sentinel: the same program under another name."""
    folder.mkdir()
    program = folder / "redis-sentinel"
    program.symlink_to(from_path())
    server = RedisServer(folder / "data", binary=program)
    settings = {
        "sentinel monitor shop": f"127.0.0.1 {master.port} 1",
        "sentinel down-after-milliseconds shop": "1000",
        "sentinel failover-timeout shop": "5000",
    }
    server.settings |= settings
    return server


async def test_a_sentinel_shows_who_is_master_before_and_after_a_death() -> None:
    with open_folder() as folder:
        master = RedisServer(folder / "one", settings={"repl-diskless-sync-delay": "0"})
        replica = RedisServer(
            folder / "two", settings={"replicaof": f"127.0.0.1 {master.port}"}
        )
        sentinel = sentinel_of(folder / "three", master)
        states = {name: COLLECTORS[name].state() for name in COLLECTORS}
        with running(master), running(replica), running(sentinel):
            async with reading(sentinel.url) as source:

                async def ask() -> dict[str, Any]:
                    return await poll(source, "members", states["members"])

                before = await until(ask, lambda f: f["redis_members"][()] == 2)
                shown = await poll(source, "sentinel", None)
                for collector in COLLECTORS.values():
                    await source.run(collector.read, 5)
                await asyncio.to_thread(master.kill)
                await until(
                    ask, lambda f: f["redis_member_master"].get(address(replica)) == 1
                )
                after = await until(
                    ask, lambda f: f["redis_member_failing"].get(address(master)) == 1
                )
                assert source.connections == 1
    assert before["redis_member_master"] == {address(master): 1, address(replica): 0}
    assert shown["redis_sentinel_master_slaves"] == {("shop", *address(master)): 1}
    assert after["redis_promotions_total"] == {(): 1}
    assert after["redis_member_up"][address(master)] == 0
