"""What access control refused, on servers that do not count it in INFO (before 7.2).

redis_acl_access_denied_auth_total 3
redis_acl_access_denied_cmd_total 1

From Redis 7.2 on, and of Valkey, the collector `info` has the same figures. Before,
they are taken from ACL LOG, which forgets the oldest of its 128 entries: what a poll
finds new is added up. Users, commands, keys and addresses are dropped while reading.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._redis_fields import FIELDS
from exporter.sources.redis_text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_OF_REASON = {"auth": "auth", "command": "cmd", "key": "key", "channel": "channel"}
_METRICS = {
    reason: next(f.metric for f in FIELDS if f.name == f"acl_access_denied_{name}")
    for reason, name in _OF_REASON.items()
}


class Denial(NamedTuple):
    """A group of refusals: why, who and what as one number, and how many."""

    reason: str
    subject: int
    times: int


@dataclass(slots=True)
class State:
    """Sums by reason, and the groups as the latest poll found them."""

    totals: Counter[str] = field(default_factory=Counter)
    last: Counter[tuple[str, int]] | None = None


async def read(source: RedisSource) -> list[Denial] | None:
    """Read the log; None where INFO says it all."""
    old = await source.since(6) and not await source.since(7, 2)
    if not old or await source.mode() == "sentinel":
        return None
    entries = [table(e) for e in await source.execute("ACL", "LOG", "128")]
    return [
        Denial(
            entry["reason"].decode("utf-8", "replace"),
            hash((entry["username"], entry["object"], entry["context"])),
            entry["count"],
        )
        for entry in entries
    ]


def samples(denials: list[Denial] | None, state: State) -> Iterator[Sample]:
    """Add up what is new; entries that fell out of the log take nothing away."""
    if denials is None:
        return
    now: Counter[tuple[str, int]] = Counter()
    for reason, subject, times in denials:
        now[reason, subject] += times
    if state.last is not None:
        for (reason, _), more in (now - state.last).items():
            state.totals[reason] += more
    state.last = now
    for reason, metric in _METRICS.items():
        yield metric(state.totals[reason])


COLLECTOR = Collector(
    name="acl",
    source=SourceKind.REDIS,
    metrics=tuple(_METRICS.values()),
    read=read,
    samples=samples,
    state=State,
    privilege="ACL: +info +acl|log, before Redis 7.2",
)
