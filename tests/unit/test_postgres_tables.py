"""Which tables have series, what the others add up to, and when vacuum is late."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.collectors._postgres_due import Thresholds, due
from exporter.collectors.postgres_tables import COLLECTOR, Rows, Setting, samples
from exporter.config import Filter
from tests.unit.sampled import Values, values

SETTINGS = dict(
    [
        Setting("autovacuum_vacuum_threshold", 50.0),
        Setting("autovacuum_vacuum_scale_factor", 0.2),
        Setting("autovacuum_analyze_threshold", 50.0),
        Setting("autovacuum_analyze_scale_factor", 0.1),
    ]
)
SCANS = "pg_stat_user_tables_seq_scan"
READ = "pg_stat_user_tables_seq_tup_read"
DEAD = "pg_stat_user_tables_n_dead_tup"
REST = ("shop", "other", "other")


def table(name: str, **changes: Any) -> tuple[Any, ...]:
    """Return a row of a table with 1,000 rows and little to tell."""
    of: dict[str, Any] = {
        "schema": "public",
        "name": name,
        "pages": 10,
        "rows": 1000.0,
        "options": None,
        "xid_age": 100,
        "times": (None, 1_700_000_000.5, None, None),
        "live": 1000,
        "dead": 0,
        "changed": 0,
        "scans": 0,
        "read": 0,
    } | changes
    head = [of[key] for key in ("schema", "name", "pages", "rows", "options")]
    gauges = [of[key] for key in ("live", "dead", "changed")]
    rest = (None, 0, *(0,) * 10, None, None, None, None, None, None)
    return (*head, of["xid_age"], *of["times"], *gauges, of["scans"], of["read"], *rest)


class Polls:
    """One state that is polled again and again."""

    def __init__(self, top: int = 50, **schemas: tuple[str, ...]) -> None:
        self._state = COLLECTOR.state()
        self._top = top
        self._schemas = Filter(**schemas)

    def of(self, *rows: tuple[Any, ...], **others: list[tuple[Any, ...]]) -> Values:
        """Poll the database `shop`, and others."""
        found = {"shop": list(rows), **others}
        poll = Rows(found, SETTINGS, self._schemas, self._top)
        return values(samples(poll, self._state))


def test_a_member_shows_the_servers_own_figures() -> None:
    found = Polls().of(table("item", scans=7, read=7000, dead=3))
    item = ("shop", "public", "item")
    assert found[SCANS] == {item: 7, REST: 0}
    assert found[DEAD][item] == 3
    assert found["pg_stat_user_tables_last_autovacuum"] == {item: 1_700_000_000.5}
    assert "pg_stat_user_tables_last_vacuum" not in found
    assert item not in found.get("pg_stat_user_tables_idx_scan", {})
    assert found["pg_stat_user_tables_frozen_xid_age"] == {item: 100}


def test_what_the_others_do_adds_up_and_only_grows() -> None:
    polls = Polls(top=1)
    big = table("big", pages=1000)
    first = polls.of(big, table("a", scans=5), table("b", scans=6, dead=2))
    assert first[SCANS] == {("shop", "public", "big"): 0, REST: 0}
    assert first[DEAD][REST] == 2
    second = polls.of(big, table("a", scans=7), table("b", scans=7, dead=5))
    assert second[SCANS][REST] == 3
    assert second[DEAD][REST] == 5
    third = polls.of(big, table("a", scans=8))
    assert third[SCANS][REST] == 4


def test_statistics_that_were_reset_do_not_make_the_others_shrink() -> None:
    polls = Polls(top=0)
    polls.of(table("a", scans=100, read=100))
    polls.of(table("a", scans=110, read=110))
    found = polls.of(table("a", scans=3, read=2))
    assert found[SCANS][REST] == 13
    assert found[READ][REST] == 12


def test_a_table_that_is_new_brings_all_that_was_done_to_it() -> None:
    polls = Polls(top=0)
    polls.of(table("a", scans=100))
    assert polls.of(table("a", scans=100), table("b", scans=4))[SCANS][REST] == 4


def test_what_a_newcomer_did_before_is_with_the_others() -> None:
    polls = Polls(top=1)
    polls.of(table("a", pages=50), table("b", pages=40))
    found = polls.of(table("a", pages=50), table("b", pages=40, read=900, scans=9))
    assert found[SCANS] == {("shop", "public", "b"): 9, REST: 9}
    later = polls.of(table("a", pages=50), table("b", pages=40, read=990, scans=10))
    assert later[SCANS] == {("shop", "public", "b"): 10, REST: 9}


def test_ranks_that_change_places_make_no_new_series() -> None:
    polls = Polls(top=1)
    seen = set()
    for turn in range(20):
        one, two = (turn * 100 + 60, turn * 100 + 50)[:: -1 if turn % 2 else 1]
        found = polls.of(table("a", read=one), table("b", read=two))
        seen |= {labels[2] for labels in found[SCANS]}
    assert len(seen - {"other"}) == 1


def test_a_small_table_that_vacuum_neglects_comes_before_a_large_one() -> None:
    neglected = table("small", pages=1, dead=900)
    found = Polls(top=1).of(table("big", pages=10**6, read=10**9), neglected)
    assert {*found["pg_stat_user_tables_vacuum_due_ratio"]} == {
        ("shop", "public", "small")
    }


def test_the_oldest_tables_are_shown_whatever_they_do() -> None:
    old = [table(f"old{n}", xid_age=10**9 + n, pages=0) for n in range(5)]
    found = Polls(top=1).of(table("big", pages=100), *old)
    assert found["pg_stat_user_tables_frozen_xid_age"] == {
        ("shop", "public", "big"): 100,
        **{("shop", "public", f"old{n}"): 10**9 + n for n in (2, 3, 4)},
    }


def test_a_database_that_fails_once_loses_neither_members_nor_past() -> None:
    polls = Polls(top=2)
    hot = table("a", pages=5, read=100)
    orders = [table("c", pages=1), table("d", pages=0, scans=3)]
    polls.of(hot, orders=orders)
    polls.of(hot)
    again = polls.of(hot, orders=[table("c", pages=1), table("d", pages=0, scans=5)])
    assert ("orders", "public", "c") in again[SCANS]
    assert again[SCANS]["orders", "other", "other"] == 2


def test_schemas_that_are_left_out_are_in_no_sum() -> None:
    polls = Polls(top=0, exclude=("audit",))
    polls.of(table("a"), table("b", schema="audit"))
    found = polls.of(table("a", scans=1), table("b", schema="audit", scans=50))
    assert found[SCANS] == {REST: 1}


def test_how_late_vacuum_and_analyze_are_follows_the_servers_rule() -> None:
    found = Polls().of(table("a", dead=500, changed=300))
    key = ("shop", "public", "a")
    assert found["pg_stat_user_tables_vacuum_due_ratio"] == {key: 2.0}
    assert found["pg_stat_user_tables_analyze_due_ratio"] == {key: 2.0}


@pytest.mark.parametrize(
    ("options", "rows", "expected"),
    [
        (None, 1000.0, (0.4, 100 / 150)),
        (None, -1.0, (2.0, 2.0)),
        (["autovacuum_vacuum_scale_factor=0"], 1000.0, (2.0, 100 / 150)),
        (["fillfactor=70", "autovacuum_analyze_threshold=0"], 1000.0, (0.4, 1.0)),
        (["autovacuum_vacuum_max_threshold=50"], 1000.0, (2.0, 100 / 150)),
        (["autovacuum_vacuum_threshold=0", "autovacuum_enabled=off"], 0.0, (100, 2)),
    ],
)
def test_a_tables_own_options_come_first(
    options: list[str] | None, rows: float, expected: tuple[float, float]
) -> None:
    late = due(Thresholds.of(SETTINGS).changed(options), rows, 100, 100)
    assert late == pytest.approx(expected)
