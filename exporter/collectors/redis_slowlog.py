"""Which commands were slow enough for the slow log, each entry counted once.

redis_slowlog_length 3
redis_slowlog_last_id 2
redis_last_slow_execution_duration_seconds 0.012
redis_slow_command_duration_seconds_bucket{cmd="keys",le="0.025"} 3
redis_slow_command_duration_seconds_count{cmd="keys"} 3
redis_slowlog_entries_missed_total 0

What is slow the server decides (`slowlog-log-slower-than`, 10 ms unless configured). A
poll reads the entries that are new; arguments, addresses and client names are dropped
while reading. What was logged before our first poll is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.metrics import Histogram, counter, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_MOST = 256  # entries that one poll reads; those beyond are counted as missed
_MEANWHILE = 16  # entries that may come while a poll asks
_MOST_COMMANDS = 50
_OTHER = "other"
_ANY = -2  # the log was empty, perhaps reset: any id may be the next
_BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

LENGTH = gauge("redis_slowlog_length", "SLOWLOG LEN: number of entries.")
LAST_ID = gauge("redis_slowlog_last_id", "SLOWLOG GET 1: id of the latest entry.")
LAST = gauge(
    "redis_last_slow_execution_duration_seconds",
    "SLOWLOG GET 1: seconds that the latest entry took.",
)
SLOW = histogram(
    "redis_slow_command_duration_seconds",
    "SLOWLOG GET: seconds that each entry took which was logged since our first poll.",
    "cmd",
)
MISSED = counter(
    "redis_slowlog_entries_missed_total",
    "SLOWLOG GET: entries that were gone, or too many, before a poll could read them.",
)


class Entry(NamedTuple):
    """What is kept of an entry: its command without arguments, and microseconds."""

    cmd: str
    microseconds: int


class Rows(NamedTuple):
    """The log's state, what is new in it, and how much of that was not read."""

    length: int
    last_id: int | None
    last: int | None
    new: tuple[Entry, ...] = ()
    missed: int = 0


@dataclass(slots=True)
class State:
    """One histogram per command that was ever slow, up to a limit, and the rest's."""

    of: dict[str, Histogram] = field(
        default_factory=lambda: {_OTHER: Histogram(_BOUNDS)}
    )
    missed: int = 0


async def read(source: RedisSource) -> Rows | None:
    """Read the latest entry, and the others only when they are new.

    Ids go on until the server restarts, also through SLOWLOG RESET.
    """
    if await source.mode() == "sentinel":
        return None
    length, latest = await source.batch(("SLOWLOG", "LEN"), ("SLOWLOG", "GET", "1"))
    life = await source.life()
    mark = f"slowlog of {life.run_id}"
    # Ids of a server that was started since we knew another are from 0 on; of one that
    # was there before, and has taken the other's place, nothing is known.
    is_new = life.is_new and bool(source.marks)
    known = source.marks.get(mark, -1 if is_new else None)
    if not latest:
        source.marks = {mark: _ANY if known is None else known}
        return Rows(length, None, None)
    last_id, _, last, *_ = latest[0]
    known = last_id if known is None else known
    new: list[Entry] = []
    missed = 0
    if last_id > known:
        ids, new = await _entries(source, min(last_id - known, _MOST) + _MEANWHILE)
        if known == _ANY:
            known = min(ids, default=last_id + 1) - 1 - max(0, length - len(ids))
        last_id = max(ids, default=last_id)
        new = [entry for at, entry in zip(ids, new, strict=True) if at > known]
        missed = last_id - known - len(new)
    source.marks = {mark: last_id}
    return Rows(length, last_id, last, tuple(new), missed)


def samples(rows: Rows | None, state: State) -> Iterator[Sample]:
    """Count what is new; a Sentinel has no slow log."""
    if rows is None:
        return
    state.missed += rows.missed
    for cmd, microseconds in rows.new:
        known = cmd in state.of or len(state.of) <= _MOST_COMMANDS
        counts = state.of.setdefault(cmd if known else _OTHER, Histogram(_BOUNDS))
        counts.observe(microseconds / 1_000_000)
    yield LENGTH(rows.length)
    yield LAST_ID(rows.last_id)
    yield LAST(None if rows.last is None else rows.last / 1_000_000)
    yield MISSED(state.missed)
    for cmd, counts in state.of.items():
        yield from SLOW.histogram(counts, cmd)


async def _entries(source: RedisSource, count: int) -> tuple[list[int], list[Entry]]:
    """Read the newest entries, named as INFO commandstats names commands.

    Its names bound ours: no argument, and no secret of rename-command, becomes one.
    """
    found = await source.execute("SLOWLOG", "GET", str(count))
    stats = await source.info("commandstats")
    written = (name.removeprefix("cmdstat_") for name in stats)
    names = {name.lower(): name for name in written}  # modules have capitals in theirs
    return [number for number, *_ in found], [
        Entry(_name(words, names), microseconds)
        for _, _, microseconds, words, *_ in found
    ]


def _name(words: list[bytes], names: Mapping[str, str]) -> str:
    first, second = [*words, b""][:2]
    cmd = first.decode("utf-8", "replace").lower()
    full = f"{cmd}|{second.decode('utf-8', 'replace').lower()}"
    return names.get(full) or names.get(cmd, _OTHER)


COLLECTOR = Collector(
    name="slowlog",
    source=SourceKind.REDIS,
    metrics=(LENGTH, LAST_ID, LAST, SLOW, MISSED),
    read=read,
    samples=samples,
    state=State,
    privilege="ACL: +info +slowlog|len +slowlog|get",
)
