"""What is made of rows about WAL, its archive, and reads and writes."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from exporter.collectors import (
    postgres_archiver,
    postgres_io,
    postgres_wal,
    postgres_wal_files,
)
from exporter.collectors.postgres_archiver import Archiver
from exporter.collectors.postgres_io import Work
from tests.unit.sampled import values

ARCHIVER = Archiver(
    archived_count=5,
    failed_count=2,
    age=7.5,
    archived=100.0,
    failed=90.0,
    archives=True,
)
FAILING = "pg_stat_archiver_failing"


@pytest.mark.parametrize(
    ("row", "failing"),
    [
        (ARCHIVER, {(): 0}),
        (replace(ARCHIVER, failed=None), {(): 0}),
        (replace(ARCHIVER, failed=101.0), {(): 1}),
        (replace(ARCHIVER, archived=None, age=None), {(): 1}),
        (replace(ARCHIVER, archives=False), None),
    ],
)
def test_the_archive_fails_while_the_latest_attempt_did(
    row: Archiver, failing: dict[object, float] | None
) -> None:
    assert values(postgres_archiver.samples([row], None)).get(FAILING) == failing


def test_counts_of_the_archiver_have_the_peers_names() -> None:
    found = values(postgres_archiver.samples([ARCHIVER], None))
    assert found["pg_stat_archiver_archived_count"] == {(): 5}
    assert found["pg_stat_archiver_failed_count"] == {(): 2}
    assert found["pg_stat_archiver_last_archive_age"] == {(): 7.5}


def test_nothing_archived_yet_has_no_age() -> None:
    row = replace(ARCHIVER, archived=None, age=None)
    found = values(postgres_archiver.samples([row], None))
    assert "pg_stat_archiver_last_archive_age" not in found


def test_what_a_version_does_not_count_of_wal_is_absent() -> None:
    row = postgres_wal.Wal(1, 2, 3.0, 4)
    assert values(postgres_wal.samples([row], None)) == {
        "pg_stat_wal_records_total": {(): 1},
        "pg_stat_wal_fpi_total": {(): 2},
        "pg_stat_wal_bytes_total": {(): 3.0},
        "pg_stat_wal_buffers_full_total": {(): 4},
    }


def test_files_of_wal_are_counted() -> None:
    row = postgres_wal_files.Files(segments=3, size=3 * 2**24, ready=1)
    assert values(postgres_wal_files.samples([row], None)) == {
        "pg_wal_segments": {(): 3},
        "pg_wal_size_bytes": {(): 3 * 2**24},
        "pg_wal_ready_files": {(): 1},
    }


def test_what_does_not_apply_to_a_kind_of_work_is_absent() -> None:
    nothing = dict.fromkeys((column.name for column in fields(Work)), None)
    row = replace(
        Work(**nothing),  # type: ignore[arg-type]  # the labels follow
        backend_type="checkpointer",
        object="relation",
        context="normal",
        writes=10,
        write_bytes=81920.0,
        write_seconds=1.5,
        writebacks=8,
        writeback_seconds=0.5,
        fsyncs=3,
        fsync_seconds=0.25,
    )
    place = ("checkpointer", "relation", "normal")
    assert values(postgres_io.samples([row], None)) == {
        "pg_stat_io_writes_total": {place: 10},
        "pg_stat_io_write_bytes_total": {place: 81920.0},
        "pg_stat_io_write_seconds_total": {place: 1.5},
        "pg_stat_io_writebacks_total": {place: 8},
        "pg_stat_io_writeback_seconds_total": {place: 0.5},
        "pg_stat_io_fsyncs_total": {place: 3},
        "pg_stat_io_fsync_seconds_total": {place: 0.25},
    }
