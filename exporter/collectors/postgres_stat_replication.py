"""How far each standby or other receiver of WAL is, from pg_stat_replication.

pg_stat_replication_pg_wal_lsn_diff{application_name="standby_1",client_addr="10.0.0.2",
  state="streaming",slot_name="standby_1"} 0
pg_stat_replication_lag_bytes{…,stage="flush"} 8192
pg_stat_replication_lag_seconds{…,stage="replay"} 0.004
pg_stat_replication_synchronous{…} 1

Stages are those that WAL passes: sent, write, flush, replay; each lag is against what
this server has written (as a cascading standby: received). A lag in seconds is how long
the latest WAL took, and absent when all is done and nothing new came. Receivers that
differ in nothing but their pid are one series, with the larger lag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import (
    NO_POSITION,
    WAL_POSITION,
    Names,
    hidden_statistics,
    keeps,
    refusals,
)
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_SECONDS = "extract(epoch from max(r.{0}_lag))::float8 as {0}_seconds"
_BYTES = "max(greatest(0, pg_wal_lsn_diff(w.lsn, r.{0}_lsn))) as {0}_bytes"
_TIMED = ("write", "flush", "replay")
STAGES = ("sent", *_TIMED)
QUERY = f"""
select r.application_name, host(r.client_addr) as client_addr, r.state, s.slot_name,
    r.usename, bool_or(r.sync_state in ('sync', 'quorum')) as synchronous,
    pg_wal_lsn_diff(max(w.lsn), '0/0') as current_lsn,
    {", ".join(_BYTES.format(stage) for stage in STAGES)},
    {", ".join(_SECONDS.format(stage) for stage in _TIMED)}
from pg_stat_replication r
left join pg_replication_slots s on s.active_pid = r.pid
cross join (
    select {WAL_POSITION} as lsn
) w
where r.state is not null
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5
limit 200
"""  # noqa: S608 - made of our own words
_ANYBODY = "select count(*) as receivers from pg_stat_get_wal_senders()"

_LABELS = ("application_name", "client_addr", "state", "slot_name")
CURRENT = gauge(
    "pg_stat_replication_pg_current_wal_lsn_bytes",
    "Position in the WAL of this server (pg_current_wal_lsn), beside pg_stat_"
    "replication: bytes.",
    *_LABELS,
)
DIFF = gauge(
    "pg_stat_replication_pg_wal_lsn_diff",
    "WAL that the receiver has not replayed, from replay_lsn of pg_stat_replication: "
    "bytes.",
    *_LABELS,
)
LAG_BYTES = gauge(
    "pg_stat_replication_lag_bytes",
    "WAL that has not passed the stage, from pg_stat_replication: bytes.",
    *_LABELS,
    "stage",
)
LAG_SECONDS = gauge(
    "pg_stat_replication_lag_seconds",
    "How long the latest WAL took to pass the stage (write_lag, flush_lag, replay_lag "
    "of pg_stat_replication): seconds.",
    *_LABELS,
    "stage",
)
SYNCHRONOUS = gauge(
    "pg_stat_replication_synchronous",
    "Whether commits wait for the receiver (sync_state of pg_stat_replication).",
    *_LABELS,
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receivers of the same name, address, state and slot."""

    application_name: str | None
    client_addr: str | None
    state: str
    slot_name: str | None
    usename: str | None
    synchronous: bool | None
    current_lsn: float | None
    sent_bytes: float | None
    write_bytes: float | None
    flush_bytes: float | None
    replay_bytes: float | None
    write_seconds: float | None
    flush_seconds: float | None
    replay_seconds: float | None


class Rows(NamedTuple):
    """What was read, and which users the target keeps."""

    found: list[Receiver]
    users: Names


class _Anybody(NamedTuple):
    receivers: int


async def read(source: PostgresSource) -> Rows:
    """Read every receiver that we may see; the view goes through all sessions."""
    (anybody,) = await source.fetch(_Anybody, _ANYBODY)
    if not anybody.receivers:
        return Rows([], source.config.users)
    query = await source.offered.query(source, QUERY, {WAL_POSITION: NO_POSITION})
    return Rows(await source.fetch(Receiver, query), source.config.users)


def samples(rows: Rows, _: None) -> Iterator[Sample]:
    """Turn receivers into samples; of users that share a name, the first is shown."""
    shown = set()
    for row in rows.found:
        labels = (row.application_name, row.client_addr, row.state, row.slot_name)
        if labels in shown or not keeps(rows.users, row.usename):
            continue
        shown.add(labels)
        yield CURRENT(row.current_lsn, *labels)
        yield DIFF(row.replay_bytes, *labels)
        yield SYNCHRONOUS(row.synchronous, *labels)
        for stage in STAGES:
            yield LAG_BYTES(getattr(row, f"{stage}_bytes"), *labels, stage)
        for stage in _TIMED:
            yield LAG_SECONDS(getattr(row, f"{stage}_seconds"), *labels, stage)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that receivers are hidden from us, or how far they are."""
    return [
        *await hidden_statistics(source, "receivers of other roles are hidden"),
        *await refusals(source, (WAL_POSITION,), "what receivers lack"),
    ]


COLLECTOR = Collector(
    name="stat_replication",
    source=SourceKind.POSTGRES,
    metrics=(CURRENT, DIFF, LAG_BYTES, LAG_SECONDS, SYNCHRONOUS),
    read=read,
    samples=samples,
    state=stateless,
    privilege="pg_monitor, else only receivers that log in as our own role are shown",
    inspect=inspect,
)
