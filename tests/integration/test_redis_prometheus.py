"""A real Prometheus scrapes Redis by /sd, and has what redis_exporter's users ask."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import ExporterProcess, open_folder
from tests.integration.peer_joins import selectors, unseen
from tests.integration.redis_fixtures import admin, running, tell
from tests.integration.test_e2e_prometheus import Prometheus, discovery_job

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
ONE = 'job="redis",instance="cache"'
# Each is there on a server of that kind alone, as with redis_exporter.
KINDS = {"redis_cluster_": "node", "redis_master_last_io": "replica"}
HITS, MISSES = (
    f"irate(redis_keyspace_{what}_total{{{ONE}}}[1m])" for what in ("hits", "misses")
)
CALLS, SECONDS = (
    f"avg by (cmd) (irate(redis_commands_{what}{{{ONE}}}[1m]))"
    for what in ("total", "duration_seconds_total")
)
# The expressions of the mixin's alerts, its rule and its panels, without the limits.
JOINS = (
    f"redis_memory_used_bytes{{{ONE}}} / redis_total_system_memory_bytes{{{ONE}}}",
    f"redis_memory_used_rss_bytes{{{ONE}}} / redis_memory_used_bytes{{{ONE}}}",
    f"redis_memory_used_bytes{{{ONE}}} / redis_memory_max_bytes{{{ONE}}} < Inf",
    f"redis_connected_clients{{{ONE}}} > 0",
    f"avg by (instance) ({HITS} / ({MISSES} + {HITS})) > 0",
    f"{SECONDS} / {CALLS} > 0",
    f"sum by (db) (redis_db_keys{{{ONE}}}) > 0",
    (
        f"sum (redis_db_keys{{{ONE}}}) - sum (redis_db_keys_expiring{{{ONE}}}) > 0"
        f" and sum (redis_db_keys_expiring{{{ONE}}}) > 0"
    ),
    f"sum by (instance) (redis_connected_slaves{{{ONE}}}) == 1",
    f"rate(redis_net_input_bytes_total{{{ONE}}}[1m]) > 0",
    "redis_up == 0 or count (redis_up == 1) == 3",
    'redis_master_last_io_seconds_ago{job="redis",instance="replica"} >= 0',
    'redis_cluster_state{job="redis",instance="node"} == 0',
)


def servers_in(stack: ExitStack) -> dict[str, RedisServer]:
    """Run a master, its replica, and a node of a cluster that has no slots yet."""
    folder = stack.enter_context(open_folder())
    cache = RedisServer(
        folder / "cache",
        settings={"maxmemory": "1gb", "repl-diskless-sync-delay": "0"},
    )
    settings = {
        "replica": {"replicaof": f"127.0.0.1 {cache.port}"},
        "node": {"cluster-enabled": "yes", "cluster-port": str(free_port())},
    }
    found = {"cache": cache} | {
        name: RedisServer(folder / name, settings=own) for name, own in settings.items()
    }
    for server in found.values():
        stack.enter_context(running(server))
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Prometheus]:
    """Let Prometheus scrape an exporter of three servers, while one of them is used."""
    with ExitStack() as stack:
        servers = servers_in(stack)
        folder = stack.enter_context(open_folder())
        redis = {name: {"url": one.url} for name, one in servers.items()}
        config = {"interval": "1s", "redis": redis}
        exporter = stack.enter_context(ExporterProcess(folder / "exporter", config))
        found = Prometheus(folder / "prometheus", discovery_job(exporter))
        stack.callback(found.stop)
        found.start()
        client = stack.enter_context(admin(servers["cache"]))
        tell(client, "SET kept 1")
        tell(client, "SET passing 1 EX 1000")
        deadline = time.monotonic() + PATIENCE
        while unseen(found, iter(JOINS)) and time.monotonic() < deadline:
            for _ in range(10):
                tell(client, "GET kept")
                tell(client, "GET absent")
            time.sleep(0.5)
        yield found


@pytest.mark.parametrize(
    ("user", "count"), [("redis-mixin", 19), ("redis-dashboard", 16)]
)
def test_every_series_that_they_rely_on_is_there_with_its_labels(
    server: Prometheus, user: str, count: int
) -> None:
    wanted = list(selectors(user, "redis", "cache"))
    for part, kind in KINDS.items():
        wanted = [
            one.replace('instance="cache"', f'instance="{kind}"')
            if one.startswith(part)
            else one
            for one in wanted
        ]
    assert len(wanted) == count
    assert unseen(server, iter(wanted)) == []


def test_every_join_of_theirs_has_a_result(server: Prometheus) -> None:
    assert unseen(server, iter(JOINS)) == []


def test_a_join_finds_one_series_for_each_server(server: Prometheus) -> None:
    (found,) = server.ask("query", query=JOINS[0])["result"]
    assert found["metric"].keys() == {"instance", "job", "target"}
