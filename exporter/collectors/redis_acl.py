"""What access control refused, on servers that do not count it in INFO (before 7.2).

redis_acl_access_denied_auth_total 3
redis_acl_access_denied_cmd_total 1

From Redis 7.2 on, and of Valkey, the collector `info` has the same figures. Before,
they are taken from ACL LOG, which forgets the oldest of its 128 entries: what a poll
finds new is added up. Users, commands, keys and addresses are dropped while reading.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._redis_fields import FIELDS
from exporter.sources.redis_text import number, parse_fields, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource
    from exporter.sources.redis_text import Life

_OF_REASON = {"auth": "auth", "command": "cmd", "key": "key", "channel": "channel"}
_METRICS = {
    reason: next(f.metric for f in FIELDS if f.name == f"acl_access_denied_{name}")
    for reason, name in _OF_REASON.items()
}


_SAME = 0.5  # seconds; the server's clock is read beside the log


class Denial(NamedTuple):
    """A group of refusals: why, who and what as one number, how many, Unix time.

    The server adds to a group for a minute after its latest refusal, which `at` is.
    """

    reason: str
    subject: int
    times: int
    at: float


class Log(NamedTuple):
    """The groups of the log, the latest first, and whose they are."""

    denials: Sequence[Denial]
    life: Life | None = None


@dataclass(slots=True)
class State:
    """Sums by reason, and the groups as the latest poll found them, and where."""

    totals: Counter[str] = field(default_factory=Counter)
    last: dict[tuple[str, int], list[Denial]] | None = None
    life: Life | None = None


async def read(source: RedisSource) -> Log | None:
    """Read the log; None where INFO says it all."""
    old = await source.since(6) and not await source.since(7, 2)
    if not old or await source.mode() == "sentinel":
        return None
    server, log = await source.batch(("INFO", "server"), ("ACL", "LOG", "128"))
    fields = parse_fields(server.decode("utf-8", "replace"))
    now = number(fields.get("server_time_usec"), 1_000_000)
    denials = [
        Denial(
            entry["reason"].decode("utf-8", "replace"),
            hash((entry["username"], entry["object"], entry["context"])),
            entry["count"],
            0.0 if now is None else now - float(entry["age-seconds"]),
        )
        for entry in map(table, log)
    ]
    return Log(denials, await source.life())


def samples(log: Log | None, state: State) -> Iterator[Sample]:
    """Add up what is new; entries that fell out of the log take nothing away."""
    if log is None:
        return
    now: defaultdict[tuple[str, int], list[Denial]] = defaultdict(list)
    for denial in log.denials:
        now[denial.reason, denial.subject].append(denial)
    if state.last is not None and log.life != state.life:
        is_new = log.life is not None and log.life.is_new
        state.last = {} if is_new else now  # what stood in another's log is not ours
    state.life = log.life
    if state.last is not None:
        for key, groups in now.items():
            state.totals[key[0]] += _more(groups, state.last.get(key, []))
    state.last = dict(now)
    for reason, metric in _METRICS.items():
        yield metric(state.totals[reason])


def _more(new: Sequence[Denial], old: Sequence[Denial]) -> int:
    """Count what is new of one subject; both begin with the latest group.

    Groups are told apart by their time: all of them may be of one refusal.
    """
    more, left, fresh = 0, list(old), []
    for group in new:
        same = next((it for it in left if abs(it.at - group.at) < _SAME), None)
        if same is None:
            fresh.append(group)
        else:
            left.remove(same)
            more += max(0, group.times - same.times)
    if fresh and old and old[0] in left and fresh[-1].times > old[0].times:
        more -= old[0].times  # it has gone on
    return more + sum(group.times for group in fresh)


COLLECTOR = Collector(
    name="acl",
    source=SourceKind.REDIS,
    metrics=tuple(_METRICS.values()),
    read=read,
    samples=samples,
    state=State,
    privilege="ACL: +info +acl|log, before Redis 7.2",
)
