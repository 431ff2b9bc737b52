"""What collectors remember: a top-N that is slow to change, and differences."""

from __future__ import annotations

import pytest

from exporter.state import StickyTop, difference


def test_the_highest_scores_are_in() -> None:
    assert StickyTop[str]().update({"a": 1, "b": 3, "c": 2}, 2) == {"b", "c"}


def test_a_member_stays_until_another_is_well_above_it() -> None:
    top = StickyTop[str](margin=1.5)
    top.update({"a": 10, "b": 9}, 1)
    assert top.update({"a": 10, "b": 15}, 1) == {"a"}
    assert top.update({"a": 10, "b": 15.1}, 1) == {"b"}


def test_newcomers_displace_the_lowest_members_one_each() -> None:
    top = StickyTop[str]()
    top.update({"a": 1, "b": 2, "c": 3}, 3)
    scores = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 10.0, "e": 2.9}
    assert top.update(scores, 3) == {"b", "c", "d"}


def test_a_member_without_a_score_makes_room() -> None:
    top = StickyTop[str]()
    top.update({"a": 10, "b": 9}, 2)
    assert top.update({"b": 9, "c": 1}, 2) == {"b", "c"}


def test_a_score_of_0_is_displaced_by_any_other() -> None:
    top = StickyTop[str]()
    top.update({"a": 0}, 1)
    assert top.update({"a": 0, "b": 0}, 1) == {"a"}
    assert top.update({"a": 0, "b": 0.001}, 1) == {"b"}


def test_a_smaller_size_puts_out_the_lowest() -> None:
    top = StickyTop[str]()
    top.update({"a": 1, "b": 2, "c": 3}, 3)
    assert top.update({"a": 1, "b": 2, "c": 3}, 1) == {"c"}


def test_of_size_0_nobody_is_in() -> None:
    assert StickyTop[str]().update({"a": 1}, 0) == set()


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ((5, 7.5), (3, 7.0), (2, 0.5)),
        ((5, 7.5), None, (5, 7.5)),
        ((5, 1.0), (3, 7.0), (5, 1.0)),
        ((), (), ()),
    ],
)
def test_differences_are_pairwise_and_whole_after_a_reset(
    new: tuple[float, ...], old: tuple[float, ...] | None, expected: tuple[float, ...]
) -> None:
    assert difference(new, old) == expected
