"""What each command did to a Redis or Valkey server.

redis_commands_total{cmd="get"} 21
redis_commands_duration_seconds_total{cmd="get"} 0.000175
redis_commands_rejected_calls_total{cmd="get"} 0
redis_commands_failed_calls_total{cmd="config|get"} 1

The hundred commands that take most have series of their own, the rest is `other`. The
totals are sums of differences, so that no CONFIG RESETSTAT makes them fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._redis_totals import Totals
from exporter.metrics import counter
from exporter.sources.redis_text import parse_commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource
    from exporter.sources.redis_text import Command, Life

_TOP = 100

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


class Rows(NamedTuple):
    """The counts of each command, and whose they are."""

    commands: Mapping[str, Command]
    life: Life | None = None


def totals() -> Totals:
    """Begin to count; a command's score is its time, and a microsecond per call."""
    return Totals(width=4, top=_TOP, busy=2)


async def read(source: RedisSource) -> Rows:
    """Read INFO commandstats, which every version has as a section of its own."""
    life = await source.life()
    return Rows(parse_commands(await source.execute("INFO", "commandstats")), life)


def samples(rows: Rows, state: Totals) -> Iterator[Sample]:
    """Turn counts into totals; what the version does not count is absent."""
    found = rows.commands
    state.update(
        {cmd: tuple(count or 0.0 for count in row) for cmd, row in found.items()},
        life=rows.life,
    )
    extended = any(row.failed is not None for row in found.values())
    for cmd, (calls, microseconds, rejected, failed) in state.shown():
        yield CALLS(calls, cmd)
        yield DURATION(microseconds / 1_000_000, cmd)
        yield REJECTED(rejected if extended else None, cmd)
        yield FAILED(failed if extended else None, cmd)


COLLECTOR = Collector(
    name="commandstats",
    source=SourceKind.REDIS,
    metrics=(CALLS, DURATION, REJECTED, FAILED),
    read=read,
    samples=samples,
    state=totals,
    privilege="ACL: +info",
)
