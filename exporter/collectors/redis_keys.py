"""How large and how hot keys are, from a sample; off unless `keys: {sample: N}` is set.

redis_sampled_key_size_bytes_bucket{group="session:",le="1024.0"} 4031
redis_sampled_key_size_bytes_count{group="session:"} 4100
redis_sampled_key_largest_bytes{group="session:"} 5242880
redis_sampled_key_frequency{group="session:"} 87

Each poll asks for N random keys of database 0 and for the memory of each, in small
batches: no KEYS, no SCAN, and of a large key five elements are looked at. A group is a
configured prefix, and `other` the rest; names of keys are dropped while reading. The
frequency is Redis' own logarithmic counter, kept under an LFU policy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind
from exporter.metrics import Histogram, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_BATCH = 20
_OTHER = "other"
_ELEMENTS = "5"
_BOUNDS = tuple(float(1 << power) for power in range(6, 27, 2))

SIZE = histogram(
    "redis_sampled_key_size_bytes",
    "MEMORY USAGE of random keys, beside INFO: bytes, an estimate for large ones.",
    "group",
)
LARGEST = gauge(
    "redis_sampled_key_largest_bytes",
    "MEMORY USAGE of random keys, beside INFO: bytes of the largest since we began.",
    "group",
)
FREQUENCY = gauge(
    "redis_sampled_key_frequency",
    "OBJECT FREQ of random keys, beside INFO: highest counter of the latest sample.",
    "group",
)


class Key(NamedTuple):
    """A sampled key: its group, its bytes, and its counter under an LFU policy."""

    group: str
    size: int
    frequency: int | None


@dataclass(slots=True)
class State:
    """Sizes seen, and the largest one, by group."""

    sizes: dict[str, Histogram] = field(default_factory=dict)
    largest: dict[str, int] = field(default_factory=dict)


async def read(source: RedisSource) -> list[Key] | None:
    """Sample as many keys as are configured; None when that is not wanted."""
    wanted = source.config.keys
    if not wanted.sample or await source.mode() == "sentinel":
        return None
    policy = (await source.info("memory")).get("maxmemory_policy", "")
    found: list[Key] = []
    for at in range(0, wanted.sample, _BATCH):
        count = min(_BATCH, wanted.sample - at)
        asked = await source.batch(*[("RANDOMKEY",)] * count)
        names = {name for name in asked if name is not None}
        if not names:
            break
        found += await _batch(source, names, lfu="lfu" in policy)
    return found


def samples(keys: list[Key] | None, state: State) -> Iterator[Sample]:
    """Add the sample to what was seen before."""
    if keys is None:
        return
    for group, size, _ in keys:
        state.sizes.setdefault(group, Histogram(_BOUNDS)).observe(size)
        state.largest[group] = max(size, state.largest.get(group, 0))
    for group, sizes in state.sizes.items():
        yield from SIZE.histogram(sizes, group)
        yield LARGEST(state.largest[group], group)
        counters = [k.frequency for k in keys if k.group == group]
        yield FREQUENCY(
            max((c for c in counters if c is not None), default=None), group
        )


async def _batch(source: RedisSource, names: set[bytes], *, lfu: bool) -> list[Key]:
    asked = [name.decode("utf-8", "surrogateescape") for name in names]
    sizes = await source.batch(
        *[("MEMORY", "USAGE", name, "SAMPLES", _ELEMENTS) for name in names]
    )
    counters = [None] * len(asked)
    if lfu:
        counters = await source.batch(*[("OBJECT", "FREQ", name) for name in names])
    groups = [_group(name, source.config.keys.groups) for name in asked]
    return [
        Key(group, size, counter)
        for group, size, counter in zip(groups, sizes, counters, strict=True)
        if size is not None
    ]


def _group(name: str, prefixes: Iterable[str]) -> str:
    return next((prefix for prefix in prefixes if name.startswith(prefix)), _OTHER)


COLLECTOR = Collector(
    name="keys",
    source=SourceKind.REDIS,
    metrics=(SIZE, LARGEST, FREQUENCY),
    read=read,
    samples=samples,
    state=State,
    privilege="nothing; where keys are sampled ACL: %R~* +randomkey +memory|usage "
    "+object|freq",
    cost=Cost.COSTLY,
    interval=60.0,
)
