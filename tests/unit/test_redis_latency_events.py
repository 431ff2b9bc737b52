"""The collector `latency_events` on fixed rows."""

from __future__ import annotations

from exporter.collectors.redis_latency_events import Event, samples
from tests.unit.sampled import values


def test_each_kind_of_event_has_its_time_and_its_seconds() -> None:
    events = [Event("fork", 1_795_000_000, 213), Event("eviction-cycle", 5, 0)]
    assert values(samples(events, None)) == {
        "redis_latency_spike_last": {
            ("fork",): 1_795_000_000,
            ("eviction-cycle",): 5,
        },
        "redis_latency_spike_duration_seconds": {
            ("fork",): 0.213,
            ("eviction-cycle",): 0,
        },
    }


def test_a_server_that_watches_nothing_shows_nothing() -> None:
    assert values(samples([], None)) == {}
