"""What is made of pg_stat_monitor's counts, as recorded from its documentation."""

from __future__ import annotations

import pytest

from exporter.collectors._postgres_monitor import (
    Monitored,
    Reading,
    counted_account,
    edges_of,
)

TIMINGS = "{{0.000 - 1.000}, (1.000 - 10.000}, (10.000 - 100.000}, (100.000 - ...}}"
EDGES = edges_of(TIMINGS)
LIMITS = (0.1, 0.5)
SHOP = {7: "shop"}


def reading(began: float, *calls: int, database: int = 7, took: float = 0.0) -> Reading:
    figures = (took, *calls)
    rows = [(began, database, place, float(n)) for place, n in enumerate(figures)]
    return Reading(EDGES, rows)


def both(*readings: Reading) -> Reading:
    return Reading(EDGES, [row for one in readings for row in one.rows])


def after(*readings: Reading) -> Monitored:
    state = Monitored()
    for one in readings:
        state.update(one, LIMITS, SHOP)
    return state


def cumulative(state: Monitored) -> list[int]:
    return [count for _, count in state.accounts["shop"].cumulative()]


def test_edges_are_in_seconds() -> None:
    assert EDGES == (0.001, 0.01, 0.1)


def test_what_was_counted_before_us_is_not_ours() -> None:
    state = after(reading(60.0, 5, 5, 5, 5, took=900.0))
    assert cumulative(state) == [0, 0, 0]
    assert state.accounts["shop"].calls == 0


def test_calls_are_counted_by_the_buckets_edges() -> None:
    state = after(
        reading(60.0, 1, 1, 1, 1, took=100.0), reading(60.0, 4, 3, 2, 2, took=1100.0)
    )
    account = state.accounts["shop"]
    assert (cumulative(state), account.calls) == ([3, 5, 6], 7)
    assert account.seconds == pytest.approx(1.0)


def test_a_new_bucket_of_time_begins_at_nothing_and_the_old_one_still_counts() -> None:
    old, late = reading(60.0, 1, 0, 0, 0), reading(60.0, 2, 0, 0, 0)
    state = after(old, both(late, reading(120.0, 3, 0, 0, 0)))
    assert cumulative(state) == [4, 4, 4]


def test_counts_that_shrink_began_anew() -> None:
    state = after(reading(60.0, 9, 0, 0, 0), reading(60.0, 2, 0, 0, 0))
    assert cumulative(state) == [2, 2, 2]


def test_a_database_that_comes_later_shows_its_0_first_and_loses_nothing() -> None:
    state = Monitored()
    state.update(reading(60.0, 1, 0, 0, 0, database=8), LIMITS, {8: "mail"})
    names = {7: "shop", 8: "mail"}
    state.update(reading(60.0, 3, 0, 0, 0), LIMITS, names)
    assert cumulative(state) == [0, 0, 0]
    state.update(reading(60.0, 4, 0, 0, 0), LIMITS, names)
    assert cumulative(state) == [4, 4, 4]


def test_other_edges_begin_anew() -> None:
    state = after(reading(60.0, 1, 0, 0, 0), reading(60.0, 5, 0, 0, 0))
    state.update(Reading((0.5,), [(60.0, 7, 1, 8.0)]), LIMITS, SHOP)
    assert [*state.accounts["shop"].cumulative()] == [(0.5, 0)]


def test_databases_that_are_left_out_are_not_counted() -> None:
    state = after(reading(60.0, 1, 0, 0, 0, database=9))
    assert state.accounts == {}


def test_a_limit_at_an_edge_is_exact_and_one_between_is_certain_but_for_a_bucket() -> (
    None
):
    account = counted_account((0.1, 1.0), LIMITS, (0.0, 10, 20, 5))
    exact, between = (account.slower[limit] for limit in LIMITS)
    assert (exact.least, exact.estimate, exact.most) == (25, 25, 25)
    assert (between.least, between.most) == (5, 25)
    assert between.estimate == pytest.approx(5 + 20 * 0.30103, rel=1e-4)


def test_above_all_edges_and_below_the_first_it_is_a_guess_within_bounds() -> None:
    account = counted_account((0.05,), (0.025, 0.1), (0.0, 8, 6))
    low, high = account.slower[0.025], account.slower[0.1]
    assert (low.least, low.estimate, low.most) == (6, 10, 14)
    assert (high.least, high.estimate, high.most) == (0, 3, 6)
