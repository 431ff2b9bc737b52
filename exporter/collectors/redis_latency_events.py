"""What held the whole server up, as its own latency monitor saw it.

redis_latency_spike_last{event_name="fork"} 1.7951e+09
redis_latency_spike_duration_seconds{event_name="fork"} 0.213

Events are forks, syncs of the append-only file, cycles of eviction and expiry, slow
commands and the like. There are none unless `latency-monitor-threshold` is set to the
milliseconds from which on an event counts: CONFIG SET latency-monitor-threshold 100.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

LAST = gauge(
    "redis_latency_spike_last",
    "LATENCY LATEST: Unix time in seconds of the latest event of its kind.",
    "event_name",
)
DURATION = gauge(
    "redis_latency_spike_duration_seconds",
    "LATENCY LATEST: seconds that the latest event of its kind took.",
    "event_name",
)


class Event(NamedTuple):
    """The latest event of a kind: Unix time in seconds, and milliseconds."""

    name: str
    at: int
    milliseconds: int


async def read(source: RedisSource) -> list[Event]:
    """Read the latest event of each kind; a Sentinel watches none."""
    if await source.mode() == "sentinel":
        return []
    return [
        Event(name.decode("utf-8", "replace"), at, milliseconds)
        for name, at, milliseconds, *_ in await source.execute("LATENCY", "LATEST")
    ]


def samples(events: list[Event], state: None) -> Iterator[Sample]:
    """Turn the events into samples; their kinds are words of the server's own."""
    del state
    for name, at, milliseconds in events:
        yield LAST(at, name)
        yield DURATION(milliseconds / 1000, name)


COLLECTOR = Collector(
    name="latency_events",
    source=SourceKind.REDIS,
    metrics=(LAST, DURATION),
    read=read,
    samples=samples,
    state=stateless,
    privilege="ACL: +latency|latest",
)
