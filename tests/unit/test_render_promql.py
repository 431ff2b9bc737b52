"""Which series an expression uses, and which labels it needs of each."""

from __future__ import annotations

import pytest

from exporter.render.promql import Matcher, uses


@pytest.mark.parametrize(
    ("expression", "needed"),
    [
        ("1 + 2", {}),
        ("up", {"up": ""}),
        ('x{a="1", b!~"2"}', {"x": "a b"}),
        ("sum by (a) (rate(x_total[5m]))", {"x_total": "a"}),
        ("sum(x)", {"x": ""}),
        ("sum without (a) (x)", {"x": ""}),
        ("sum by (a) (sum by (a, b) (x))", {"x": "a b"}),
        ("topk by (a) (3, x)", {"x": "a"}),
        ("x / on (a) y", {"x": "a", "y": "a"}),
        ("x and on (a, b) y", {"x": "a b", "y": "a b"}),
        ("x * on (a) group_left (b) y", {"x": "a", "y": "a b"}),
        ("x * on (a) group_right (b) y", {"x": "a b", "y": "a"}),
        ("sum by (b) (x * on (a) group_left (b) y)", {"x": "a", "y": "a b"}),
        ("sum by (b) (x or y)", {"x": "b", "y": "b"}),
        ("sum by (b) (x and on (a) y)", {"x": "a b", "y": "a"}),
        ("sum by (b) (x * ignoring (b) y)", {"x": "b", "y": ""}),
        ("histogram_quantile(0.9, rate(x_bucket[5m]))", {"x_bucket": "le"}),
        ('sum by (r) (label_replace(x, "r", "$1", "path", "(.*)"))', {"x": "path"}),
        ("max_over_time(sum by (a) (x)[5m:1m])", {"x": "a"}),
        ("-(x) > bool 1", {"x": ""}),
    ],
)
def test_labels_are_needed_where_they_are_matched_grouped_or_joined_by(
    expression: str, needed: dict[str, str]
) -> None:
    found = {use.name: " ".join(sorted(use.labels)) for use in uses(expression)}

    assert found == needed


def test_labels_wanted_of_the_result_are_needed_of_what_gives_it() -> None:
    found = uses("x and on (a) (y > 0)", frozenset({"c"}))

    assert {use.name: set(use.labels) for use in found} == {"x": {"a", "c"}, "y": {"a"}}


def test_a_use_says_what_it_is_handed_to_and_over_which_range() -> None:
    counted, bare = uses('sum(increase(x_total{a=~"b|c"}[10m])) / y')

    assert (counted.function, counted.seconds) == ("increase", 600.0)
    assert counted.matchers == (Matcher("a", "=~", "b|c"),)
    assert (bare.function, bare.seconds) == ("", 0.0)


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        uses("sum(x")


def test_what_stands_behind_an_or_is_spare() -> None:
    found = {use.name: use.spare for use in uses("sum(x or (y and z)) / v or w")}

    assert found == {"x": False, "y": True, "z": True, "v": False, "w": True}
