"""How long commands took, command by command, and how long a PING of ours takes.

redis_command_duration_seconds_bucket{cmd="get",le="8e-06"} 21
redis_command_duration_seconds_sum{cmd="get"} 0.000175
redis_command_duration_seconds_count{cmd="get"} 21
redis_canary_duration_seconds_bucket{le="0.001"} 4

From Redis 7 on. The server counts in steps that double and answers with those that
changed; here every command has all of them, so that they can be summed. To it all that
takes longer is a second: what takes more than half a second is in `+Inf`. The twenty
commands that take most have series of their own, the rest is `other`, and no CONFIG
RESETSTAT makes a series fall. Waiting for the network or for one's turn is not in it,
but in the canary, which is the way to the server and back as a client has it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Finding, SourceKind
from exporter.collectors._redis_totals import Totals
from exporter.metrics import Histogram, histogram
from exporter.sources.redis_text import Used, parse_commands, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource
    from exporter.sources.redis_text import Life, Uses

_TOP = 20
_HISTOGRAM = ("LATENCY", "HISTOGRAM")
_PART = "latency per command"
# Microseconds: powers of two of a nanosecond, as Redis rounds them.
_STEPS = (
    *(1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454),
    *(16908, 33816, 67633, 135266, 270532, 541065),
)
_BOUNDS = tuple(step / 1_000_000 for step in _STEPS)
_CANARY_BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)

COMMAND = histogram(
    "redis_command_duration_seconds",
    "LATENCY HISTOGRAM, its sum from usec of cmdstat_CMD of INFO: seconds that a call "
    "kept the server.",
    "cmd",
)
CANARY = histogram(
    "redis_canary_duration_seconds",
    "Seconds until our PING was answered, once a poll on the connection of INFO.",
)


class Rows(NamedTuple):
    """Cumulative counts by step (microseconds), seconds by command, and our PING.

    `reset` says that they count from 0 again, `life` whose they are.
    """

    steps: Mapping[str, Mapping[int, int]]
    microseconds: Mapping[str, float]
    ping: float
    reset: bool = False
    life: Life | None = None


@dataclass(slots=True)
class State:
    """Sums per command: microseconds, then calls, then calls per bucket."""

    totals: Totals = field(
        default_factory=lambda: Totals(len(_STEPS) + 3, _TOP, busy=2, split=1)
    )
    canary: Histogram = field(default_factory=lambda: Histogram(_CANARY_BOUNDS))
    _dense: dict[str, tuple[Mapping[int, int], list[int]]] = field(default_factory=dict)

    def dense(self, steps: Mapping[str, Mapping[int, int]]) -> dict[str, list[int]]:
        """Return each command's calls and buckets; counted again where they are new."""
        before, self._dense = self._dense, {}
        for cmd, found in steps.items():
            known = before.get(cmd)
            if known is None or known[0] is not found:
                known = (found, _dense(found))
            self._dense[cmd] = known
        return {cmd: counts for cmd, (_, counts) in self._dense.items()}


async def read(source: RedisSource) -> Rows:
    """Read how often each command was called, then the steps of those called since.

    Steps take a server far longer than all else that it is asked for; those of a
    command that was not called again are the ones before.
    """
    ping = await source.timed(source.execute("PING"))
    if not await source.since(7) or await source.mode() == "sentinel":
        return Rows({}, {}, ping)
    stats = parse_commands(await source.execute("INFO", "commandstats"))
    used = {cmd: (calls, spent) for cmd, (calls, spent, *_) in stats.items()}
    before = source.used
    source.used = Used({}, {})
    called = [cmd for cmd, counts in used.items() if counts != before.counts.get(cmd)]
    steps: dict[str, Mapping[int, int]] = {}
    reset = _was_reset(before.counts, used)
    if before.counts and not reset:
        steps = (await _ask(source, called) or {}) if called else {}
        told = all(cmd in steps for cmd in called if used[cmd][0])  # not if renamed
        steps = {**before.steps, **steps} if told else {}
    found = steps or await _ask(source, ())
    source.parts[_PART] = source.refused.get(_HISTOGRAM)
    if found is None:
        return Rows({}, {}, ping)
    source.used = Used(used, found)
    spent = {cmd: float(microseconds) for cmd, (_, microseconds) in used.items()}
    return Rows(found, spent, ping, reset, await source.life())


def samples(rows: Rows, state: State) -> Iterator[Sample]:
    """Turn what the server counted into totals on one ladder."""
    state.canary.observe(rows.ping)
    yield from CANARY.histogram(state.canary)
    if not rows.steps:
        return
    state.totals.update(
        {
            cmd: (rows.microseconds.get(cmd, 0.0), *counts)
            for cmd, counts in state.dense(rows.steps).items()
        },
        reset=rows.reset,
        life=rows.life,
    )
    for cmd, (microseconds, _, *counts) in state.totals.shown():
        shown = Histogram(_BOUNDS)
        shown.counts = [int(count) for count in counts]
        shown.sum = microseconds / 1_000_000
        yield from COMMAND.histogram(shown, cmd)


async def inspect(source: RedisSource) -> list[Finding]:
    """Tell why there is no latency per command, where there is none."""
    if await source.mode() == "sentinel":
        return []
    if not await source.since(7):
        return [Finding("latency per command: before Redis 7", "upgrade the server")]
    if await source.execute(*_HISTOGRAM):
        return []
    return [
        Finding("latency per command: not tracked", "CONFIG SET latency-tracking yes")
    ]


async def _ask(
    source: RedisSource, commands: Iterable[str]
) -> dict[str, Mapping[int, int]] | None:
    """Ask for the steps of some commands, or of all; None where it is refused."""
    source.refused.pop((*_HISTOGRAM, *commands), None)  # it may be allowed by now
    found = await source.execute_if_allowed(*_HISTOGRAM, *commands)
    if found is None:
        return None
    return {
        cmd: _steps(table(of)["histogram_usec"]) for cmd, of in table(found).items()
    }


def _was_reset(before: Mapping[str, Uses], now: Mapping[str, Uses]) -> bool:
    return any(
        cmd not in now or now[cmd][0] < calls or now[cmd][1] < spent
        for cmd, (calls, spent) in before.items()
    )


def _steps(answer: list[int]) -> dict[int, int]:
    return dict(zip(answer[::2], answer[1::2], strict=True))


def _dense(steps: Mapping[int, int]) -> list[int]:
    """Count the calls, then those of each bucket; the last is above all bounds."""
    counts = [0] * (len(_STEPS) + 1)
    before = 0
    for step, cumulative in sorted(steps.items()):
        counts[bisect_left(_STEPS, step)] += cumulative - before
        before = cumulative
    return [before, *counts]


COLLECTOR = Collector(
    name="latency",
    source=SourceKind.REDIS,
    metrics=(COMMAND, CANARY),
    read=read,
    samples=samples,
    state=State,
    privilege="ACL: +ping +info +latency|histogram",
    inspect=inspect,
)
