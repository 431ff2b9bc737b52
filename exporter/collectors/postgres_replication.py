"""Which server this is: primary or standby, since when it runs, and how far behind.

pg_replication_is_replica 1
pg_replication_lag_seconds 3.2
pg_replication_streaming 1
pg_wal_replayed_bytes_total 5.0331648e+09
pg_postmaster_start_time_seconds 1.7e+09

On a standby the lag is the age of the latest transaction that was replayed, and 0 once
all that was received is replayed while WAL streams in: a standby that has lost its
primary grows old instead. On a primary it is 0. Positions in the WAL are bytes since
its beginning, so that their rate is the WAL written, on all versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import NO_POSITION, refusals
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_STREAMING = """exists (
            select from pg_stat_wal_receiver
            where coalesce(status, 'streaming') = 'streaming')"""
_WRITTEN = "case when not pg_is_in_recovery() then pg_current_wal_lsn() end"
_PAUSED = "case when pg_is_in_recovery() then pg_is_wal_replay_paused() end"
QUERY = f"""
select s.is_replica, s.started, s.last_replay, s.streaming,
    case when not s.is_replica then 0.0
        when s.streaming and s.received = s.replayed then 0.0
        else s.last_replay end as lag,
    {_PAUSED} as paused,
    pg_wal_lsn_diff({_WRITTEN}, '0/0')
        as written,
    pg_wal_lsn_diff(s.received, '0/0') as received,
    pg_wal_lsn_diff(s.replayed, '0/0') as replayed
from (
    select pg_is_in_recovery() as is_replica,
        extract(epoch from pg_postmaster_start_time())::float8 as started,
        greatest(0, extract(epoch from
            clock_timestamp() - pg_last_xact_replay_timestamp()))::float8
            as last_replay,
        case when pg_is_in_recovery() then {_STREAMING} end as streaming,
        pg_last_wal_receive_lsn() as received, pg_last_wal_replay_lsn() as replayed
) s
"""  # noqa: S608 - made of our own words
MAY_BE_REFUSED = {
    _STREAMING: "null::bool",
    _WRITTEN: NO_POSITION,
    _PAUSED: "null::bool",
    "pg_last_xact_replay_timestamp()": "null::timestamptz",
    "pg_last_wal_receive_lsn()": NO_POSITION,
    "pg_last_wal_replay_lsn()": NO_POSITION,
}
"""What managed services refuse, as Aurora does, and what stands in its place."""

STARTED = gauge(
    "pg_postmaster_start_time_seconds",
    "pg_postmaster_start_time(): Unix time in seconds.",
)
IS_REPLICA = gauge(
    "pg_replication_is_replica", "pg_is_in_recovery(): 1 on a standby, 0 on a primary."
)
LAG = gauge(
    "pg_replication_lag_seconds",
    "Seconds since the commit that was replayed last (pg_last_xact_replay_timestamp); "
    "0 on a primary, and on a standby that streams and has replayed all it received.",
)
LAG_OF_MIXIN = gauge(
    "pg_replication_lag",
    "The same as pg_replication_lag_seconds, as postgres_exporter's mixin calls it.",
)
LAST_REPLAY = gauge(
    "pg_replication_last_replay_seconds",
    "Seconds since the commit that was replayed last (pg_last_xact_replay_timestamp); "
    "it grows on a standby whose primary is idle.",
)
STREAMING = gauge(
    "pg_replication_streaming",
    "Whether a standby receives WAL now, from pg_stat_wal_receiver; absent on a "
    "primary.",
)
PAUSED = gauge(
    "pg_replication_replay_paused",
    "pg_is_wal_replay_paused(): 1 while a standby does not replay; absent on a "
    "primary.",
)
WAITING = gauge(
    "pg_replication_unreplayed_bytes",
    "WAL that a standby has received and not replayed (pg_last_wal_receive_lsn() less "
    "pg_last_wal_replay_lsn()): bytes; absent on a primary.",
)
WRITTEN = counter(
    "pg_wal_written_bytes_total",
    "Position in the WAL of a primary, pg_current_wal_lsn(): bytes.",
)
RECEIVED = counter(
    "pg_wal_received_bytes_total",
    "Position in the WAL up to which a standby received, pg_last_wal_receive_lsn(): "
    "bytes.",
)
REPLAYED = counter(
    "pg_wal_replayed_bytes_total",
    "Position in the WAL up to which a standby replayed, pg_last_wal_replay_lsn(): "
    "bytes.",
)


@dataclass(frozen=True, slots=True)
class Server:
    """The one row; what only standbys or only primaries have is NULL on the others."""

    is_replica: bool
    started: float
    lag: float | None
    last_replay: float | None
    streaming: bool | None
    paused: bool | None
    written: float | None
    received: float | None
    replayed: float | None


async def read(source: PostgresSource) -> list[Server]:
    """Read the row, without what the server refuses."""
    query = await source.offered.query(source, QUERY, MAY_BE_REFUSED)
    return await source.fetch(Server, query)


def samples(rows: list[Server], _: None) -> Iterator[Sample]:
    """Turn the row into samples."""
    for row in rows:
        yield STARTED(row.started)
        yield IS_REPLICA(int(row.is_replica))
        yield LAG(row.lag)
        yield LAG_OF_MIXIN(row.lag)
        yield LAST_REPLAY(row.last_replay)
        yield STREAMING(row.streaming)
        yield PAUSED(row.paused)
        yield WRITTEN(row.written)
        yield RECEIVED(row.received if row.is_replica else None)
        if row.received is not None and row.replayed is not None and row.is_replica:
            yield WAITING(max(0.0, row.received - row.replayed))
        yield REPLAYED(row.replayed if row.is_replica else None)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find what the server refuses to tell."""
    return await refusals(source, MAY_BE_REFUSED, "part of how far replication is")


COLLECTOR = Collector(
    name="replication",
    source=SourceKind.POSTGRES,
    metrics=(
        *(STARTED, IS_REPLICA, LAG, LAG_OF_MIXIN, LAST_REPLAY, STREAMING, PAUSED),
        *(WAITING, WRITTEN, RECEIVED, REPLAYED),
    ),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
    inspect=inspect,
)
