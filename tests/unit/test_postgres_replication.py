"""What is made of the rows about standbys, slots and receivers of WAL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import (
    postgres_replication,
    postgres_replication_slots,
    postgres_stat_replication,
    postgres_wal_receiver,
)
from exporter.collectors.postgres_replication import Server
from exporter.collectors.postgres_replication_slots import Slot
from exporter.collectors.postgres_stat_replication import Receiver
from exporter.config import Filter
from tests.unit.sampled import values

PRIMARY = Server(
    is_replica=False,
    started=1_700_000_000.5,
    lag=0.0,
    last_replay=None,
    streaming=None,
    paused=None,
    written=2**40,
    received=7,
    replayed=7,
)
STANDBY = Server(
    is_replica=True,
    started=1_700_000_000.5,
    lag=3.5,
    last_replay=3.5,
    streaming=False,
    paused=True,
    written=None,
    received=20,
    replayed=10,
)
SLOT = Slot(
    slot_name="cdc",
    slot_type="logical",
    database="shop",
    active=True,
    wal_status="extended",
    safe_wal_size=5,
    current_lsn=100,
    confirmed_lsn=90,
    retained=30,
    spilled=1,
    decoded=2,
    inactive_since=3.5,
)
RECEIVER = Receiver(
    application_name="standby",
    client_addr="10.0.0.2",
    state="streaming",
    slot_name=None,
    usename="repl",
    synchronous=True,
    current_lsn=100,
    sent_bytes=1,
    write_bytes=2,
    flush_bytes=3,
    replay_bytes=4,
    write_seconds=0.1,
    flush_seconds=0.2,
    replay_seconds=None,
)
PLACE = ("standby", "10.0.0.2", "streaming", None)


def test_a_primary_has_no_lag_and_says_how_far_it_wrote() -> None:
    assert values(postgres_replication.samples([PRIMARY], None)) == {
        "pg_postmaster_start_time_seconds": {(): 1_700_000_000.5},
        "pg_replication_is_replica": {(): 0},
        "pg_replication_lag": {(): 0.0},
        "pg_replication_lag_seconds": {(): 0.0},
        "pg_wal_written_bytes_total": {(): 2**40},
    }


def test_a_standby_says_how_old_it_is_and_what_it_lacks() -> None:
    found = values(postgres_replication.samples([STANDBY], None))
    assert found["pg_replication_is_replica"] == {(): 1}
    assert found["pg_replication_lag_seconds"] == {(): 3.5}
    assert found["pg_replication_lag"] == {(): 3.5}
    assert found["pg_replication_streaming"] == {(): 0}
    assert found["pg_replication_replay_paused"] == {(): 1}
    assert found["pg_wal_received_bytes_total"] == {(): 20}
    assert found["pg_wal_replayed_bytes_total"] == {(): 10}
    assert found["pg_replication_unreplayed_bytes"] == {(): 10}
    assert "pg_wal_written_bytes_total" not in found


def slots(*rows: Slot, **names: tuple[str, ...]) -> dict[str, dict[object, float]]:
    kept = postgres_replication_slots.Rows(list(rows), Filter(**names))
    return dict(values(postgres_replication_slots.samples(kept, None)).items())  # type: ignore[arg-type]  # read only


def test_a_slot_is_shown_by_its_database_and_by_its_type() -> None:
    found = slots(SLOT)
    assert found["pg_replication_slots_active"] == {("cdc", "shop"): 1}
    assert found["pg_replication_slots_pg_wal_lsn_diff"] == {("cdc", "shop"): 30}
    assert found["pg_replication_slots_slot_current_wal_lsn"] == {
        ("cdc", "logical"): 100
    }
    assert found["pg_replication_slots_wal_status"] == {
        ("cdc", "logical", "extended"): 1
    }
    assert found["pg_replication_slots_wal_state"] == {("cdc", "logical"): 1}


def test_a_slot_that_nobody_uses_has_no_position() -> None:
    found = slots(replace(SLOT, active=False))
    assert found["pg_replication_slots_active"] == {("cdc", "shop"): 0}
    assert "pg_replication_slots_slot_confirmed_flush_lsn" not in found


@pytest.mark.parametrize(("status", "state"), [("reserved", 0), ("lost", 3)])
def test_the_states_of_a_slot_are_in_order(status: str, state: int) -> None:
    found = slots(replace(SLOT, wal_status=status))
    assert found["pg_replication_slots_wal_state"] == {("cdc", "logical"): state}


def test_a_slot_without_wal_has_no_state() -> None:
    found = slots(replace(SLOT, wal_status=None))
    assert "pg_replication_slots_wal_state" not in found
    assert "pg_replication_slots_wal_status" not in found


def test_slots_of_a_database_that_is_left_out_are_not_shown() -> None:
    physical = replace(SLOT, slot_name="standby", database=None)
    found = slots(SLOT, physical, exclude=("shop",))
    assert found["pg_replication_slots_active"] == {("standby", None): 1}


def receivers(*rows: Receiver, **names: tuple[str, ...]) -> dict[str, object]:
    kept = postgres_stat_replication.Rows(list(rows), Filter(**names))
    return dict(values(postgres_stat_replication.samples(kept, None)))


def test_a_receivers_lag_is_shown_by_stage() -> None:
    found = receivers(RECEIVER)
    assert found["pg_stat_replication_lag_bytes"] == {
        (*PLACE, "sent"): 1,
        (*PLACE, "write"): 2,
        (*PLACE, "flush"): 3,
        (*PLACE, "replay"): 4,
    }
    assert found["pg_stat_replication_lag_seconds"] == {
        (*PLACE, "write"): 0.1,
        (*PLACE, "flush"): 0.2,
    }
    assert found["pg_stat_replication_pg_wal_lsn_diff"] == {PLACE: 4}
    assert found["pg_stat_replication_synchronous"] == {PLACE: 1}


def test_receivers_that_look_alike_are_one() -> None:
    found = receivers(RECEIVER, replace(RECEIVER, usename="other", replay_bytes=9))
    assert found["pg_stat_replication_pg_wal_lsn_diff"] == {PLACE: 4}


def test_receivers_of_a_user_that_is_left_out_are_not_shown() -> None:
    assert receivers(RECEIVER, exclude=("repl",)) == {}


def test_where_a_standby_gets_its_wal_from_is_in_the_labels() -> None:
    row = postgres_wal_receiver.Receiver(
        upstream_host="10.0.0.1",
        slot_name="s",
        status="streaming",
        receive_start_lsn=1,
        receive_start_tli=2,
        flushed_lsn=3,
        received_tli=4,
        last_msg_send_time=5.5,
        last_msg_receipt_time=6.5,
        latest_end_lsn=7,
        latest_end_time=None,
    )
    found = values(postgres_wal_receiver.samples([row], None))
    assert len(found) == len(postgres_wal_receiver.METRICS) - 1
    assert found["pg_stat_wal_receiver_flushed_lsn"] == {
        ("10.0.0.1", "s", "streaming"): 3
    }
