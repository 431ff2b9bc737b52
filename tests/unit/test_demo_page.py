"""Reading exposition text, and what changed between two readings."""

from __future__ import annotations

import pytest

from exporter.demo.page import Change, Page

NAMES = frozenset({"calls_total", "took_seconds_bucket", "up"})


def page(text: str, moment: float = 0.0) -> Page:
    return Page(text, moment, NAMES)


def test_only_the_wanted_names_are_read() -> None:
    read = page('# HELP up Up.\n# TYPE up gauge\nup{a="b"} 1\nupper 2\n')
    assert [found.labels for found in read.each("up")] == [{"a": "b"}]
    assert read.total("upper") is None


def test_a_total_is_over_the_series_with_the_given_labels() -> None:
    read = page('calls_total{a="x",b="1"} 2\ncalls_total{a="x"} 3\ncalls_total 4\n')
    assert read.total("calls_total", a="x") == 5
    assert read.total("calls_total", a="y") is None


def test_a_counter_grows_per_second() -> None:
    change = Change(page("calls_total 10\n", 100), page("calls_total 40\n", 115))
    assert change.of("calls_total") == 30
    assert change.per_second("calls_total") == 2


def test_a_series_new_in_a_known_family_grew_from_nothing() -> None:
    before = page('calls_total{status="200"} 10\n')
    now = page('calls_total{status="200"} 11\ncalls_total{status="500"} 3\n')
    assert Change(before, now).by("calls_total", "status") == {"200": 1, "500": 3}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("", "calls_total 3\n"),
        ("calls_total 3\n", ""),
        ("calls_total 3\n", "calls_total 2\n"),
    ],
    ids=["not there before", "gone", "begun anew"],
)
def test_growth_is_unknown_without_two_values_that_rise(before: str, now: str) -> None:
    assert Change(page(before), page(now, 1)).of("calls_total") is None


def test_a_rate_needs_two_moments() -> None:
    same = page("calls_total 3\n")
    assert Change(same, same).per_second("calls_total") is None


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    text = (
        'took_seconds_bucket{{le="0.1"}} {}\ntook_seconds_bucket{{le="0.5"}} {}\n'
        'took_seconds_bucket{{le="+Inf"}} {}\n'
    )
    change = Change(page(text.format(10, 10, 10)), page(text.format(104, 109, 110), 1))
    assert change.quantile(0.94, "took_seconds") == 0.1
    assert change.quantile(0.95, "took_seconds") == 0.5
    assert change.quantile(1.0, "took_seconds") == float("inf")


def test_there_is_no_quantile_of_nothing() -> None:
    same = page('took_seconds_bucket{le="+Inf"} 3\n')
    assert Change(same, same).quantile(0.5, "took_seconds") is None
