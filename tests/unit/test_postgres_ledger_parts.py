"""The account of statements where a poll brings not all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors._postgres_rows import packed, unpacked
from tests.unit.ledger_polls import (
    MAIL,
    SHOP,
    WEB,
    after,
    calls,
    poll,
    prints_of,
    rest,
    row,
)

if TYPE_CHECKING:
    from exporter.collectors._postgres_ledger import Poll


def test_rows_that_did_not_come_again_are_as_they_were() -> None:
    ledger = after(
        poll([row(1, 5), row(2, 9)]),
        poll([row(1, 6)], whole=False),
        poll([], whole=False),
        poll([row(2, 12)], whole=False),
    )
    assert calls(ledger) == {1: 1, 2: 3}
    assert set(ledger.kept) == {row(1, 6), row(2, 12)}


def test_a_row_that_is_not_among_all_of_them_is_gone() -> None:
    ledger = after(
        poll([row(1, 5), row(2, 9)]), poll([row(2, 9)]), poll([row(1, 7)], whole=False)
    )
    assert calls(ledger) == {1: 7, 2: 0}


def test_a_row_whose_print_is_gone_counts_from_0_when_it_comes_back() -> None:
    ledger = after(
        poll([row(1, 5, print=7), row(2, 9, print=8)]),
        poll([row(2, 10, print=9)], whole=False, gone=prints_of(7, 8)),
        poll([row(1, 7, print=6)], whole=False),
    )
    assert calls(ledger) == {1: 7, 2: 1}


def test_a_database_that_is_wanted_only_now_has_no_past() -> None:
    moved = {SHOP: "old", MAIL: "shop"}
    past = [row(number, 1000, database=MAIL) for number in (1, 2)]
    ledger = after(
        poll([row(1, 5)], databases={SHOP: "shop"}),
        poll(past, databases=moved, arrived={MAIL}, whole=False),
        poll([row(1, 1003, database=MAIL)], databases=moved, whole=False),
        poll([row(1, 1003, database=MAIL)], databases=moved, whole=False),
    )
    assert sum(calls(ledger).values()) + sum(rest(ledger).values()) == 3


@pytest.mark.parametrize(
    ("calls_now", "time_now", "added"), [(1003, 90.0, 0), (1003, 126.0, 3)]
)
def test_a_sum_of_hidden_rows_never_counts_from_0_again(
    calls_now: int, time_now: float, added: int
) -> None:
    """One that took long was evicted while others ran."""
    ledger = after(
        poll([row(None, 990, 124.0)]),
        poll([row(None, 1000, 125.0)]),
        poll([row(None, calls_now, time_now)]),
        poll([row(None, calls_now, time_now)]),
    )
    assert rest(ledger) == {"shop": 10 + added}


def test_a_figure_of_hidden_rows_that_is_rounded_otherwise_adds_nothing() -> None:
    def hidden(calls_now: int, third: int) -> Poll:
        whole = unpacked(row(None, calls_now))
        one = packed((*whole[:6], third, *whole[7:]))
        return poll([one])._replace(figures=3)

    ledger = after(hidden(10, 5), hidden(20, 6), hidden(23, 5), hidden(23, 5))
    assert ledger.other == {"shop": [13, 13 / 8, 1]}


def test_what_is_held_is_not_kept_and_so_comes_again() -> None:
    held = {(WEB, 1), (WEB, 2)}
    ledger = after(
        poll([row(1, 5)], held=held),
        poll([row(1, 6), row(2, 4)], held=held, whole=False),
    )
    assert list(ledger.kept) == [row(1, 5)]
    ledger.update(poll([row(1, 6), row(2, 4)], whole=False))
    assert sum(calls(ledger).values()) + sum(rest(ledger).values()) == 5
