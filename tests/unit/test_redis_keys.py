"""The collector `keys`: sizes by group, and never a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.redis_keys import Key, State, _group, samples
from exporter.config_load import load
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SIZE = "redis_sampled_key_size_bytes"


def shown(keys: list[Key] | None, state: State) -> dict[tuple[str, ...], float | None]:
    return {
        (metric.name + suffix, *map(str, labels)): value
        for metric, value, labels, suffix in samples(keys, state)
    }


def test_sizes_are_added_up_by_group_and_the_largest_is_kept() -> None:
    state = State()
    shown([Key("session:", 100, None), Key("session:", 5000, None)], state)
    found = shown([Key("session:", 200, 7), Key("other", 60, 3)], state)
    assert found[f"{SIZE}_count", "session:"] == 3
    assert found[f"{SIZE}_sum", "session:"] == 5300
    assert found[f"{SIZE}_bucket", "session:", "256.0"] == 2
    assert found["redis_sampled_key_largest_bytes", "session:"] == 5000
    assert found["redis_sampled_key_frequency", "session:"] == 7


def test_without_an_lfu_policy_there_is_no_frequency() -> None:
    found = shown([Key("other", 60, None)], State())
    assert found["redis_sampled_key_frequency", "other"] is None


def test_nothing_is_shown_where_nothing_is_sampled() -> None:
    assert shown(None, State()) == {}


def test_the_first_prefix_that_fits_is_the_group() -> None:
    prefixes = ("session:admin:", "session:")
    assert _group("session:admin:1", prefixes) == "session:admin:"
    assert _group("session:4711", prefixes) == "session:"
    assert _group("cart:1", prefixes) == "other"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("keys: {sample: 1001}", "redis.a.keys.sample"),
        ("keys: {sample: -1}", "redis.a.keys.sample"),
        ("keys: {groups: ['']}", "redis.a.keys.groups"),
        ("keys: {groups: [other]}", "redis.a.keys.groups"),
        ("members: -1", "redis.a.members"),
        ("members: many", "redis.a.members"),
    ],
)
def test_bad_values_are_refused(tmp_path: Path, settings: str, problem: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"redis: {{a: {{url: 'redis://x', {settings}}}}}\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert [problem in line for line in caught.value.problems] == [True]
