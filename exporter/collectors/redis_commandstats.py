"""What each command did to a Redis or Valkey server.

redis_commands_total{cmd="get"} 21
redis_commands_duration_seconds_total{cmd="get"} 0.000175
redis_commands_rejected_calls_total{cmd="get"} 0
redis_commands_failed_calls_total{cmd="config|get"} 1

The hundred commands that take most have series of their own, the rest is `other`. The
totals are sums of differences, so that no CONFIG RESETSTAT makes them fall. A series
that begins later than we did begins at 0 and shows its first calls one poll later, so
that `rate()` sees them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.metrics import counter
from exporter.sources.redis_text import number, parse_pairs
from exporter.state import StickyTop, difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_TOP = 100
_FADING = 0.98  # of a command's score from poll to poll: half is gone after 34

CALLS = counter(
    "redis_commands_total", "calls of cmdstat_CMD of INFO: finished calls.", "cmd"
)
DURATION = counter(
    "redis_commands_duration_seconds_total",
    "usec of cmdstat_CMD of INFO: seconds spent in finished calls.",
    "cmd",
)
REJECTED = counter(
    "redis_commands_rejected_calls_total",
    "rejected_calls of cmdstat_CMD of INFO (6.2 and later): calls refused unrun.",
    "cmd",
)
FAILED = counter(
    "redis_commands_failed_calls_total",
    "failed_calls of cmdstat_CMD of INFO (6.2 and later): calls that ended in error.",
    "cmd",
)


class Command(NamedTuple):
    """A command's counts since the server's start or its last CONFIG RESETSTAT."""

    calls: float
    microseconds: float
    rejected: float | None
    failed: float | None


@dataclass(slots=True)
class Totals:
    """Sums of differences: one per command with series of its own, and the rest's."""

    of: dict[str, tuple[float, ...]] = field(default_factory=dict)
    other: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    fresh: set[str] = field(default_factory=set)
    _last: dict[str, tuple[float, ...]] | None = None
    _scores: dict[str, float] = field(default_factory=dict)
    _top: StickyTop[str] = field(default_factory=StickyTop)

    def update(self, counts: Mapping[str, tuple[float, ...]]) -> None:
        """Take in a poll; `fresh` are then the commands whose series begin at 0."""
        last = self._last or {}
        changes = {
            cmd: difference(new, last.get(cmd))
            for cmd, new in counts.items()
            if new != last.get(cmd)
        }
        members = self._members(changes)
        for cmd in self.of.keys() - members:
            unseen = self.of.pop(cmd)
            if cmd in self.fresh:
                self.other = _sum(self.other, unseen)
        self.fresh = set() if self._last is None else members - self.of.keys()
        for cmd, change in changes.items():
            if cmd in members:
                self.of[cmd] = _sum(self.of.get(cmd), change)
            else:
                self.other = _sum(self.other, change)
        self._last = dict(counts)

    def _members(self, changes: Mapping[str, tuple[float, ...]]) -> set[str]:
        """Score by time, and by calls as if each cost a microsecond besides."""
        for cmd in self._scores:
            self._scores[cmd] *= _FADING
        for cmd, (calls, microseconds, *_) in changes.items():
            self._scores[cmd] = self._scores.get(cmd, 0.0) + calls + microseconds
        return set(self._top.update(self._scores, _TOP))


async def read(source: RedisSource) -> dict[str, Command]:
    """Read INFO commandstats, which every version has as a section of its own."""
    fields = await source.info("commandstats")
    return {
        name.removeprefix("cmdstat_"): _command(parse_pairs(text))
        for name, text in fields.items()
        if name.startswith("cmdstat_")
    }


def samples(rows: Mapping[str, Command], state: Totals) -> Iterator[Sample]:
    """Turn counts into totals; what the version does not count is absent."""
    state.update(
        {cmd: tuple(count or 0.0 for count in row) for cmd, row in rows.items()}
    )
    extended = any(row.failed is not None for row in rows.values())
    shown = {cmd: total for cmd, total in state.of.items() if cmd not in state.fresh}
    shown |= dict.fromkeys(sorted(state.fresh), (0.0, 0.0, 0.0, 0.0))
    shown["other"] = state.other
    for cmd, (calls, microseconds, rejected, failed) in shown.items():
        yield CALLS(calls, cmd)
        yield DURATION(microseconds / 1_000_000, cmd)
        yield REJECTED(rejected if extended else None, cmd)
        yield FAILED(failed if extended else None, cmd)


def _command(pairs: Mapping[str, str]) -> Command:
    return Command(
        number(pairs.get("calls")) or 0.0,
        number(pairs.get("usec")) or 0.0,
        number(pairs.get("rejected_calls")),
        number(pairs.get("failed_calls")),
    )


def _sum(one: tuple[float, ...] | None, two: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(one, two, strict=True)) if one else two


COLLECTOR = Collector(
    name="commandstats",
    source=SourceKind.REDIS,
    metrics=(CALLS, DURATION, REJECTED, FAILED),
    read=read,
    samples=samples,
    state=Totals,
    privilege="ACL: +info",
)
