"""The machine's time, and whether something keeps it right.

node_time_seconds 1.7952726677957856e+09
node_timex_sync_status 1
node_timex_offset_seconds 0.00012
node_timex_maxerror_seconds 0.02

Time is that of the poll, which is at most one interval old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource
    from exporter.sources.host_clock import Clock

_FROM = "adjtimex"

TIME = gauge("node_time_seconds", "clock_gettime: Unix time in seconds.")
SYNCHRONISED = gauge(
    "node_timex_sync_status", f"{_FROM}: 1 if the clock follows a reference, else 0."
)
OFFSET = gauge(
    "node_timex_offset_seconds", f"{_FROM}: seconds between clock and reference."
)
MOST_ERROR = gauge(
    "node_timex_maxerror_seconds", f"{_FROM}: most seconds that the clock is wrong by."
)
ESTIMATED_ERROR = gauge(
    "node_timex_estimated_error_seconds", f"{_FROM}: estimated error in seconds."
)
FREQUENCY = gauge(
    "node_timex_frequency_adjustment_ratio",
    f"{_FROM}: by what the clock's speed is corrected.",
)
STATUS = gauge("node_timex_status", f"{_FROM}: the status bits.")
TAI = gauge("node_timex_tai_offset_seconds", f"{_FROM}: seconds from UTC to TAI.")
TICK = gauge("node_timex_tick_seconds", f"{_FROM}: seconds between ticks.")
CONSTANT = gauge(
    "node_timex_loop_time_constant", f"{_FROM}: how quickly the clock is corrected."
)


async def read(source: HostSource) -> Clock:
    """Read the clock."""
    return await source.clock()


def samples(clock: Clock, state: None) -> Iterator[Sample]:
    """Turn the clock into samples."""
    del state
    yield TIME(clock.unix)
    if clock.timex is None:
        return
    yield SYNCHRONISED(int(clock.timex.synchronised))
    yield OFFSET(clock.timex.offset)
    yield MOST_ERROR(clock.timex.most_error)
    yield ESTIMATED_ERROR(clock.timex.estimated_error)
    yield FREQUENCY(clock.timex.frequency_ratio)
    yield STATUS(clock.timex.status)
    yield TAI(clock.timex.tai_offset)
    yield TICK(clock.timex.tick)
    yield CONSTANT(clock.timex.constant)


COLLECTOR = Collector(
    name="clock",
    source=SourceKind.HOST,
    metrics=(
        *(TIME, SYNCHRONISED, OFFSET, MOST_ERROR),
        *(ESTIMATED_ERROR, FREQUENCY, STATUS, TAI, TICK, CONSTANT),
    ),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
