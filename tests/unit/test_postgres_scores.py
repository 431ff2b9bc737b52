"""Shares of load, weighed by how long ago it was."""

from __future__ import annotations

import pytest

from exporter.collectors._postgres_scores import Change, Scores

WEB, SHOP = 11, 1
BUSY = (1, 0)


def test_shares_stay_right_through_thousands_of_polls() -> None:
    scores = Scores()
    of = [
        Change((WEB, SHOP, 1), "shop", [3, 0]),
        Change((WEB, SHOP, 2), "shop", [1, 0]),
    ]
    for _ in range(12_000):
        scores.add(of, BUSY)
    shares = scores.of([(WEB, SHOP, 1), (WEB, SHOP, 2)])
    assert [*shares.values()] == pytest.approx([0.75, 0.25])


def test_no_load_at_all_is_no_division_by_zero() -> None:
    scores = Scores()
    scores.add([], BUSY)
    assert scores.of([(WEB, SHOP, 1)]) == {(WEB, SHOP, 1): 0.0}
