"""Where a standby gets its WAL from, and what came last, from pg_stat_wal_receiver.

pg_stat_wal_receiver_flushed_lsn{upstream_host="10.0.0.1",slot_name="standby_1",
  status="streaming"} 5.0331648e+09
pg_stat_wal_receiver_last_msg_receipt_time{…} 1.7e+09

Names and types are postgres_exporter's. On a primary, and on a standby that receives
nothing, there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import hidden_statistics, refusals
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select sender_host as upstream_host, slot_name, status,
    pg_wal_lsn_diff(receive_start_lsn, '0/0') as receive_start_lsn, receive_start_tli,
    pg_wal_lsn_diff(flushed_lsn, '0/0') as flushed_lsn, received_tli,
    extract(epoch from last_msg_send_time)::float8 as last_msg_send_time,
    extract(epoch from last_msg_receipt_time)::float8 as last_msg_receipt_time,
    pg_wal_lsn_diff(latest_end_lsn, '0/0') as latest_end_lsn,
    extract(epoch from latest_end_time)::float8 as latest_end_time
from pg_stat_wal_receiver where status is not null
"""
FUNCTION = "pg_stat_get_wal_receiver()"
"""What Aurora refuses."""

_LABELS = ("upstream_host", "slot_name", "status")
_COUNTERS = {
    "receive_start_lsn": "position in the WAL where receiving began: bytes",
    "flushed_lsn": "position in the WAL that is safe on disk: bytes",
    "last_msg_send_time": "when the latest message was sent: Unix time in seconds",
    "last_msg_receipt_time": "when the latest message came: Unix time in seconds",
    "latest_end_lsn": "the latest position told to the sender: bytes",
    "latest_end_time": "when it was told: Unix time in seconds",
}
_GAUGES = {
    "receive_start_tli": "timeline where receiving began",
    "received_tli": "timeline of what was received last",
}
METRICS = {
    name: make(
        f"pg_stat_wal_receiver_{name}",
        f"pg_stat_wal_receiver.{name}: {text}.",
        *_LABELS,
    )
    for make, texts in ((counter, _COUNTERS), (gauge, _GAUGES))
    for name, text in texts.items()
}


@dataclass(frozen=True, slots=True)
class Receiver:
    """The one row of the view."""

    upstream_host: str | None
    slot_name: str | None
    status: str
    receive_start_lsn: float | None
    receive_start_tli: int | None
    flushed_lsn: float | None
    received_tli: int | None
    last_msg_send_time: float | None
    last_msg_receipt_time: float | None
    latest_end_lsn: float | None
    latest_end_time: float | None


async def read(source: PostgresSource) -> list[Receiver]:
    """Read the row, if there is one that we may see."""
    if await source.offered.refusal(source, FUNCTION):
        return []
    return await source.fetch(Receiver, QUERY)


def samples(rows: list[Receiver], _: None) -> Iterator[Sample]:
    """Turn the row's columns into samples."""
    for row in rows:
        for name, metric in METRICS.items():
            yield metric(
                getattr(row, name), row.upstream_host, row.slot_name, row.status
            )


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that the receiver is hidden from us, or refused to everybody."""
    return [
        *await hidden_statistics(source, "the receiver of WAL is hidden"),
        *await refusals(source, (FUNCTION,), "the receiver of WAL"),
    ]


COLLECTOR = Collector(
    name="wal_receiver",
    source=SourceKind.POSTGRES,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="pg_monitor, else nothing is shown",
    inspect=inspect,
)
