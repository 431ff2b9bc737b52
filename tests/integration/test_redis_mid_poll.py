"""What we sum up does not fall when statistics or the server begin anew in mid-poll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.errors import Reason, SourceError
from tests.integration.redis_fixtures import COLLECTORS, admin, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.demo.servers.redis import RedisServer
    from exporter.sources.redis import RedisSource

# Collectors that sum differences, so that a scraper never sees less than before.
SUMMED = ("commandstats", "latency", "slowlog", "acl")

GETS = ("redis_commands_total", "", ("get",))

Key = tuple[str, str, tuple[str | None, ...]]
Shown = dict[Key, float]


async def poll(
    source: RedisSource, states: dict[str, Any], between: Callable[[], object]
) -> tuple[Shown, dict[str, Reason]]:
    """Run all collectors in turn; returns the sums, and why some gave none."""
    shown: Shown = {}
    failed = {}
    await source.connect(5)
    for name, collector in COLLECTORS.items():
        try:
            rows = await source.run(collector.read, 5)
        except SourceError as error:
            failed[name] = error.reason
            continue
        for metric, value, labels, suffix in collector.samples(rows, states[name]):
            counts = suffix or metric.name.endswith("_total")
            if name in SUMMED and counts and value is not None:
                shown[metric.name, suffix, labels] = value
        between()
    return shown, failed


def fell(before: Shown, after: Shown) -> list[Key]:
    """Name what is less than before, or gone."""
    return [key for key, value in before.items() if after.get(key, -1) < value]


async def test_statistics_that_are_reset_between_all_collectors_of_a_poll(
    redis_server: RedisServer,
) -> None:
    states = {name: found.state() for name, found in COLLECTORS.items()}
    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:

            def reset() -> None:
                client.config_resetstat()
                client.get("a")

            first, failed = await poll(source, states, lambda: client.get("a"))
            second, _ = await poll(source, states, reset)
            third, _ = await poll(source, states, reset)
    assert failed == {}
    assert (fell(first, second), fell(second, third)) == ([], [])
    assert third[GETS] >= 1


async def test_a_server_that_is_restarted_between_two_collectors_of_a_poll(
    redis_server: RedisServer,
) -> None:
    states = {name: found.state() for name, found in COLLECTORS.items()}
    restarts: list[int] = []

    def restart() -> None:
        if not restarts:
            redis_server.kill()
            redis_server.start()
            restarts.append(1)

    async with reading(redis_server.url) as source:
        with admin(redis_server) as client:
            before, _ = await poll(source, states, lambda: client.get("a"))
        _, failed = await poll(source, states, restart)
        after, failed_later = await poll(source, states, lambda: None)
        assert source.connections == 1
    assert "commandstats" in failed
    assert set(failed.values()) == {Reason.CONNECT}
    assert failed_later == {}
    assert fell(before, after) == []
