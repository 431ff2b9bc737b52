"""What replication slots keep, and whether somebody uses them, from the view of it.

pg_replication_slots_active{slot_name="standby_1",database=""} 1
pg_replication_slots_pg_wal_lsn_diff{slot_name="standby_1",database=""} 1.6777216e+07
pg_replication_slots_wal_status{slot_name="standby_1",slot_type="physical",
  wal_status="extended"} 1
pg_replication_slots_wal_state{slot_name="standby_1",slot_type="physical"} 1
pg_replication_slots_safe_wal_size_bytes{slot_name="standby_1",slot_type="physical"} 1e9
pg_replication_slots_spilled_bytes_total{slot_name="orders_cdc"} 8192

`pg_wal_lsn_diff` is the WAL in bytes that is kept because of the slot: without a limit
(max_slot_wal_keep_size) it fills the disk. Temporary slots have names with a pid in
them, and end with their session: they are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import (
    NO_POSITION,
    WAL_POSITION,
    Names,
    keeps,
    refusals,
)
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

_SLOTS = """
select s.slot_name, s.slot_type, s.database, s.active, s.wal_status, s.safe_wal_size,
    pg_wal_lsn_diff(w.lsn, '0/0') as current_lsn,
    pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0') as confirmed_lsn,
    greatest(0, pg_wal_lsn_diff(w.lsn, s.restart_lsn)) as retained{more}
from pg_replication_slots s cross join (
    select {position} as lsn
) w {join}
where not s.temporary
order by s.slot_name
limit 1000
"""
_DECODED = "left join pg_stat_replication_slots d on d.slot_name = s.slot_name"
_SPILLED = ", d.spill_bytes as spilled, d.total_bytes as decoded"
_SINCE = ", extract(epoch from s.inactive_since)::float8 as inactive_since"
QUERIES = {
    130000: _SLOTS.format(position=WAL_POSITION, more="", join=""),
    140000: _SLOTS.format(position=WAL_POSITION, more=_SPILLED, join=_DECODED),
    170000: _SLOTS.format(position=WAL_POSITION, more=_SPILLED + _SINCE, join=_DECODED),
}
STATES = ("reserved", "extended", "unreserved", "lost")

_BY_DATABASE = ("slot_name", "database")
_BY_TYPE = ("slot_name", "slot_type")
ACTIVE = gauge(
    "pg_replication_slots_active",
    "active of pg_replication_slots: 1 while a client streams from the slot.",
    *_BY_DATABASE,
)
RETAINED = gauge(
    "pg_replication_slots_pg_wal_lsn_diff",
    "WAL from restart_lsn of pg_replication_slots until now, which is kept: bytes.",
    *_BY_DATABASE,
)
CURRENT = gauge(
    "pg_replication_slots_slot_current_wal_lsn",
    "Position in the WAL (pg_current_wal_lsn), of active slots only: bytes.",
    *_BY_TYPE,
)
CONFIRMED = gauge(
    "pg_replication_slots_slot_confirmed_flush_lsn",
    "confirmed_flush_lsn of pg_replication_slots, of active logical slots only: bytes.",
    *_BY_TYPE,
)
IS_ACTIVE = gauge(
    "pg_replication_slots_slot_is_active",
    "active of pg_replication_slots, by type of slot: 0 or 1.",
    *_BY_TYPE,
)
SAFE = gauge(
    "pg_replication_slots_safe_wal_size_bytes",
    "safe_wal_size of pg_replication_slots: bytes of WAL until the slot may be lost; "
    "absent without max_slot_wal_keep_size.",
    *_BY_TYPE,
)
STATUS = gauge(
    "pg_replication_slots_wal_status",
    "wal_status of pg_replication_slots: the one that it has, as 1.",
    *_BY_TYPE,
    "wal_status",
)
STATE = gauge(
    "pg_replication_slots_wal_state",
    "wal_status of pg_replication_slots as a number: 0 reserved, 1 extended (beyond "
    "max_wal_size), 2 unreserved (goes with the next checkpoint), 3 lost.",
    *_BY_TYPE,
)
INACTIVE = gauge(
    "pg_replication_slots_inactive_since_timestamp_seconds",
    "inactive_since of pg_replication_slots, Unix time in seconds; from 17 on.",
    *_BY_TYPE,
)
SPILLED = counter(
    "pg_replication_slots_spilled_bytes_total",
    "spill_bytes of pg_stat_replication_slots: bytes that decoding put on disk for "
    "want of logical_decoding_work_mem; from 14 on.",
    "slot_name",
)
DECODED = counter(
    "pg_replication_slots_decoded_bytes_total",
    "total_bytes of pg_stat_replication_slots: bytes decoded; from 14 on.",
    "slot_name",
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A row of pg_replication_slots; positions are bytes from the WAL's beginning."""

    slot_name: str
    slot_type: str
    database: str | None
    active: bool
    wal_status: str | None
    safe_wal_size: int | None
    current_lsn: float | None
    confirmed_lsn: float | None
    retained: float | None
    spilled: int | None = None
    decoded: int | None = None
    inactive_since: float | None = None


class Rows(NamedTuple):
    """What was read, and which databases the target keeps."""

    found: list[Slot]
    databases: Names


async def read(source: PostgresSource) -> Rows:
    """Read every slot that outlives a session."""
    query = source.of_version(QUERIES)
    query = await source.offered.query(source, query, {WAL_POSITION: NO_POSITION})
    return Rows(await source.fetch(Slot, query), source.config.databases)


def samples(rows: Rows, _: None) -> Iterator[Sample]:
    """Turn slots into samples; a physical slot belongs to no database."""
    for row in rows.found:
        if row.database is not None and not keeps(rows.databases, row.database):
            continue
        name, kind = row.slot_name, row.slot_type
        yield ACTIVE(int(row.active), name, row.database)
        yield RETAINED(row.retained, name, row.database)
        yield IS_ACTIVE(int(row.active), name, kind)
        if row.active:
            yield CURRENT(row.current_lsn, name, kind)
            yield CONFIRMED(row.confirmed_lsn, name, kind)
        yield SAFE(row.safe_wal_size, name, kind)
        if row.wal_status is not None:
            yield STATUS(1, name, kind, row.wal_status)
        if row.wal_status in STATES:
            yield STATE(STATES.index(row.wal_status), name, kind)
        yield INACTIVE(row.inactive_since, name, kind)
        yield SPILLED(row.spilled, name)
        yield DECODED(row.decoded, name)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that the server refuses to tell its position in the WAL."""
    return await refusals(source, (WAL_POSITION,), "the WAL that slots keep")


COLLECTOR = Collector(
    name="replication_slots",
    source=SourceKind.POSTGRES,
    metrics=(
        *(ACTIVE, RETAINED, CURRENT, CONFIRMED, IS_ACTIVE, SAFE, STATUS, STATE),
        *(INACTIVE, SPILLED, DECODED),
    ),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
    inspect=inspect,
)
