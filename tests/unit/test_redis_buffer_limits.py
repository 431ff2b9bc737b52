"""The collector `buffer_limits` on what CONFIG GET answers."""

from __future__ import annotations

from exporter.collectors import redis_buffer_limits
from exporter.collectors.redis_buffer_limits import samples
from tests.unit.sampled import values

ANSWER = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
LIMIT, SECONDS = (metric.name for metric in redis_buffer_limits.COLLECTOR.metrics)


def test_each_class_has_a_hard_and_a_soft_limit() -> None:
    found = values(samples(ANSWER, None))
    assert found[LIMIT] == {
        ("normal", "hard"): 0,
        ("normal", "soft"): 0,
        ("slave", "hard"): 268_435_456,
        ("slave", "soft"): 67_108_864,
        ("pubsub", "hard"): 33_554_432,
        ("pubsub", "soft"): 8_388_608,
    }
    assert found[SECONDS] == {
        ("normal", "soft"): 0,
        ("slave", "soft"): 60,
        ("pubsub", "soft"): 60,
    }


def test_where_it_is_denied_there_is_nothing() -> None:
    assert values(samples("", None)) == {}
