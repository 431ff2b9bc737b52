"""What is made of the row of the background writer and the checkpointer."""

from __future__ import annotations

from dataclasses import replace

from exporter.collectors.postgres_bgwriter import (
    BGWRITER,
    CHECKPOINTER,
    Writers,
    samples,
)
from tests.unit.sampled import values

OLD = Writers(
    checkpoints_timed=1,
    checkpoints_req=2,
    checkpoint_write_time=3.5,
    checkpoint_sync_time=4.5,
    buffers_checkpoint=5,
    buffers_clean=6,
    maxwritten_clean=7,
    buffers_backend=8,
    buffers_backend_fsync=9,
    buffers_alloc=10,
    stats_reset=11.5,
)
NEW = replace(
    OLD,
    restartpoints_timed=12,
    restartpoints_req=13,
    restartpoints_done=14,
    checkpointer_stats_reset=15.5,
)


def test_the_old_view_gives_the_old_names_only() -> None:
    found = values(samples([OLD], None))
    assert found.keys() == {metric.name for metric in BGWRITER.values()}
    assert found["pg_stat_bgwriter_checkpoints_req_total"] == {(): 2}
    assert found["pg_stat_bgwriter_buffers_backend_total"] == {(): 8}


def test_the_new_views_give_the_old_names_and_the_new_ones() -> None:
    found = values(samples([NEW], None))
    both = (*BGWRITER.values(), *CHECKPOINTER.values())
    assert found.keys() == {metric.name for metric in both}
    assert found["pg_stat_bgwriter_checkpoints_req_total"] == {(): 2}
    assert found["pg_stat_checkpointer_num_requested_total"] == {(): 2}
    assert found["pg_stat_checkpointer_restartpoints_done_total"] == {(): 14}
    assert found["pg_stat_checkpointer_stats_reset_total"] == {(): 15.5}


def test_a_reset_that_never_was_leaves_out_its_time() -> None:
    found = values(samples([replace(OLD, stats_reset=None)], None))
    assert len(found) == len(BGWRITER) - 1
