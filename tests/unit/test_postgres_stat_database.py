"""What is made of rows of pg_stat_database."""

from __future__ import annotations

from dataclasses import replace

from exporter.collectors.postgres_stat_database import (
    COLLECTOR,
    Database,
    Rows,
    samples,
)
from exporter.config import Filter
from tests.unit.sampled import values

SHOP = Database(
    datid=16384,
    datname="shop",
    numbackends=3,
    xact_commit=2**53 + 1,
    xact_rollback=2,
    blks_read=3,
    blks_hit=4,
    tup_returned=5,
    tup_fetched=6,
    tup_inserted=7,
    tup_updated=8,
    tup_deleted=9,
    conflicts=10,
    temp_files=11,
    temp_bytes=12,
    deadlocks=13,
    blk_read_time=14.5,
    blk_write_time=15.5,
    stats_reset=1_700_000_000.25,
    checksum_failures_total=17,
    active_time_seconds_total=16.5,
    sessions_total=18,
    sessions_abandoned_total=19,
    sessions_fatal_total=20,
    sessions_killed_total=21,
)


def test_every_column_has_its_metric_labelled_by_database() -> None:
    found = values(samples(Rows([SHOP], Filter()), None))
    assert found.keys() == {metric.name for metric in COLLECTOR.metrics}
    assert found["pg_stat_database_xact_commit"] == {("16384", "shop"): 2**53 + 1}
    assert found["pg_stat_database_active_time_seconds_total"] == {
        ("16384", "shop"): 16.5
    }


def test_a_null_leaves_out_only_its_own_sample() -> None:
    row = replace(SHOP, stats_reset=None, active_time_seconds_total=None)
    found = values(samples(Rows([row], Filter()), None))
    assert len(found) == len(COLLECTOR.metrics) - 2
    assert found["pg_stat_database_numbackends"] == {("16384", "shop"): 3}


def test_the_filter_decides_which_databases_are_shown() -> None:
    rows = [replace(SHOP, datid=n, datname=name) for n, name in enumerate("abc")]
    kept = Filter(include=("a",), exclude=("b",))
    found = values(samples(Rows(rows, kept), None))
    assert found["pg_stat_database_deadlocks"] == {("0", "a"): 13}
