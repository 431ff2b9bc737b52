"""The snapshot: families once, values no older than their truth."""

from __future__ import annotations

import pytest

from exporter.metrics import gauge
from exporter.snapshot import Snapshot

UP = gauge("pg_up", "Up.")
SIZE = gauge("pg_size_bytes", "Size.")


def filled() -> Snapshot:
    snapshot = Snapshot(lambda: b"own 1\n")
    snapshot.put("a", "x", {UP: b"pg_up{target='a'} 1\n"})
    snapshot.put("b", "x", {UP: b"pg_up{target='b'} 1\n", SIZE: b"pg_size_bytes 5\n"})
    return snapshot


def test_a_family_has_one_header_however_many_targets_there_are() -> None:
    assert filled().page().plain == (
        b"own 1\n"
        b"# HELP pg_size_bytes Size.\n# TYPE pg_size_bytes gauge\npg_size_bytes 5\n"
        b"# HELP pg_up Up.\n# TYPE pg_up gauge\n"
        b"pg_up{target='a'} 1\npg_up{target='b'} 1\n"
    )


def test_a_targets_page_holds_that_target_alone() -> None:
    assert filled().page("a").plain == (
        b"# HELP pg_up Up.\n# TYPE pg_up gauge\npg_up{target='a'} 1\n"
    )


def test_a_target_that_nothing_was_said_about_has_no_page() -> None:
    with pytest.raises(KeyError):
        filled().page("c")


def test_what_is_dropped_is_gone_with_its_header() -> None:
    snapshot = filled()
    snapshot.page()

    snapshot.drop("b", "x")

    assert b"pg_size_bytes" not in snapshot.page().plain
    assert b"target='a'" in snapshot.page().plain


def test_a_poll_replaces_all_that_the_collector_said_before() -> None:
    snapshot = filled()

    snapshot.put("b", "x", {UP: b"pg_up{target='b'} 0\n"})

    assert b"pg_size_bytes" not in snapshot.page("b").plain
    assert b"target='b'} 0" in snapshot.page().plain


def test_families_keep_their_order_as_they_come_and_go() -> None:
    snapshot = Snapshot()
    families = [gauge(f"pg_{letter}", "Letter.") for letter in "cab"]

    for said in (families, families[:2], families[1:], families[:1], families):
        snapshot.put("a", "x", {metric: metric.name.encode() for metric in said})
        lines = snapshot.page().plain.split(b"# HELP ")[1:]
        assert [line.split()[0].decode() for line in lines] == sorted(
            metric.name for metric in said
        )


def test_targets_keep_their_order_within_a_family() -> None:
    snapshot = filled()
    before = snapshot.page().plain

    snapshot.put("a", "x", {UP: b"pg_up{target='a'} 1\n"})

    assert snapshot.page().plain == before


def test_a_family_that_comes_again_has_its_new_help() -> None:
    snapshot = filled()
    snapshot.drop("b", "x")

    other = gauge("pg_size_bytes", "Another text.")
    snapshot.put("b", "x", {other: b"pg_size_bytes 5\n"})

    assert b"# HELP pg_size_bytes Another text.\n" in snapshot.page().plain


def test_a_removed_target_leaves_nothing() -> None:
    snapshot = filled()

    snapshot.remove("b")

    assert b"'b'" not in snapshot.page().plain


def test_a_page_is_joined_once_per_change() -> None:
    snapshot = Snapshot()
    snapshot.put("a", "x", {UP: b"pg_up 1\n"})

    assert snapshot.page() is snapshot.page()


def test_a_page_that_was_read_is_compressed_before_it_is_read_again() -> None:
    snapshot = Snapshot()
    snapshot.put("a", "x", {UP: b"pg_up 1\n"})
    snapshot.prepare()
    assert "gzip" not in vars(snapshot.page())

    snapshot.put("a", "x", {UP: b"pg_up 0\n"})
    snapshot.prepare()

    assert "gzip" in vars(snapshot.page())


def test_our_own_metrics_are_never_older_than_their_source() -> None:
    own = [b"own 1\n"]
    snapshot = Snapshot(lambda: own[0])
    snapshot.page()

    own[0] = b"own 2\n"

    assert snapshot.page().plain == b"own 2\n"
