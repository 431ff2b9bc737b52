"""Text format 0.0.4: escaping, numbers, duplicates, the cap."""

from __future__ import annotations

import gzip
import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import Page, Renderer, header, number
from exporter.metrics import Histogram, counter, gauge, histogram

SIZE = gauge("pg_size_bytes", "Size (pg_database_size).", "datname")
TIME = histogram("pg_time_seconds", "Time.", "datname")


def text(*samples: object, limit: int = 100) -> str:
    rendered = Renderer("orders", limit).render(samples)  # type: ignore[arg-type]  # one helper for all shapes
    return b"".join(rendered.families.values()).decode()


def test_every_sample_carries_its_target_first() -> None:
    assert text(SIZE(1, "a")) == 'pg_size_bytes{target="orders",datname="a"} 1\n'


def test_a_metric_without_labels_carries_the_target_alone() -> None:
    up = gauge("pg_up", "Up.")

    assert text(up(1)) == 'pg_up{target="orders"} 1\n'


@pytest.mark.parametrize(
    "name", ['a"b', "a\nb", "a\\b", "a\\nb", "é" * 300, "x\u2028y", ""]
)
def test_a_label_value_survives_whatever_it_holds(name: str) -> None:
    page = header(SIZE).decode() + text(SIZE(1, name))

    (family,) = text_string_to_metric_families(page)

    assert family.samples[0].labels == {"target": "orders", "datname": name}


def test_text_that_is_not_unicode_is_written_as_unicode() -> None:
    assert 'datname="?"' in text(SIZE(1, "\udcff"))


def test_a_value_of_none_is_absent() -> None:
    assert text(SIZE(None, "a")) == ""


def test_a_label_of_none_is_the_empty_string() -> None:
    assert text(SIZE(1, None)) == 'pg_size_bytes{target="orders",datname=""} 1\n'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**63 + 1, "9223372036854775809"),
        (0.1, "0.1"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (True, "1.0"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_lose_nothing(value: float, written: str) -> None:
    assert number(value) == written


def test_a_duplicate_series_is_written_once_and_counted() -> None:
    rendered = Renderer("orders", 100).render([SIZE(1, "a"), SIZE(2, "a")])

    assert list(rendered.families.values()) == [
        b'pg_size_bytes{target="orders",datname="a"} 1\n'
    ]
    assert (rendered.series, rendered.dropped) == (1, 1)


def test_the_cap_cuts_and_counts() -> None:
    rendered = Renderer("orders", 10).render(SIZE(1, str(n)) for n in range(25))

    assert (rendered.series, rendered.dropped) == (10, 15)
    assert sum(lines.count(b"\n") for lines in rendered.families.values()) == 10


def test_samples_of_a_family_stand_together_whatever_their_order() -> None:
    up = counter("pg_a_total", "A.")

    lines = text(SIZE(1, "a"), up(1), SIZE(1, "b")).splitlines()

    assert [line.split("{")[0] for line in lines] == [
        "pg_size_bytes",
        "pg_size_bytes",
        "pg_a_total",
    ]


def test_a_wrong_number_of_labels_is_an_error_not_a_wrong_series() -> None:
    with pytest.raises(ValueError, match="zip"):
        text(SIZE(1, "a", "b"))


def test_a_histogram_is_cumulative_and_ends_with_its_count() -> None:
    counts = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        counts.observe(value)

    lines = text(*TIME.histogram(counts, "a")).splitlines()

    assert lines == [
        'pg_time_seconds_bucket{target="orders",datname="a",le="0.1"} 2',
        'pg_time_seconds_bucket{target="orders",datname="a",le="1.0"} 3',
        'pg_time_seconds_bucket{target="orders",datname="a",le="+Inf"} 4',
        'pg_time_seconds_sum{target="orders",datname="a"} 7.65',
        'pg_time_seconds_count{target="orders",datname="a"} 4',
    ]


def test_help_stays_on_one_line() -> None:
    odd = gauge("pg_odd", "one\ntwo \\ three")

    assert header(odd) == (b"# HELP pg_odd one\\ntwo \\\\ three\n# TYPE pg_odd gauge\n")


def test_a_page_says_the_same_plain_and_gzipped() -> None:
    page = Page([b"pg_up 1\n"] * 1000)

    assert page.plain == b"pg_up 1\n" * 1000
    assert gzip.decompress(page.gzip) == page.plain
