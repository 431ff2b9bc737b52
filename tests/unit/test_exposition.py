"""Text format 0.0.4: escaping, numbers, duplicates, the cap."""

from __future__ import annotations

import gzip
import math
import tracemalloc

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import Page, Renderer, header, number
from exporter.metrics import Histogram, Sample, counter, gauge, histogram

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


@pytest.mark.parametrize(
    "value",
    [0, -7, 2**63 + 1, 0.1, 1.0, -0.0, 1e300, math.nan, math.inf, -math.inf, True],
)
def test_a_rendered_number_is_written_as_any_other(value: float) -> None:
    assert text(SIZE(value, "a")).split()[-1] == number(value)


def test_label_texts_follow_their_labels_from_poll_to_poll() -> None:
    renderer = Renderer("orders", 100)
    other = gauge("pg_other", "Other.", "table")
    polls: list[list[Sample]] = [
        [SIZE(1, "a"), SIZE(2, None)],
        [SIZE(3, "b"), SIZE(4, "a"), other(5, "a")],
        [],
        [other(6, "b"), SIZE(7, "")],
    ]

    for samples in polls:
        assert renderer.render(samples) == Renderer("orders", 100).render(samples)


def test_more_label_sets_than_are_remembered_are_all_written() -> None:
    renderer = Renderer("orders", 10**6)
    samples = [SIZE(n, str(n)) for n in range(45_000)]

    for _ in range(2):
        (lines,) = renderer.render(samples).families.values()
        assert lines.decode().splitlines() == [
            f'pg_size_bytes{{target="orders",datname="{n}"}} {n}' for n in range(45_000)
        ]


def test_label_texts_are_not_remembered_for_ever() -> None:
    renderer = Renderer("orders", 10**6)
    tracemalloc.start()
    try:
        renderer.render(SIZE(n, str(n)) for n in range(20_000))
        before = tracemalloc.get_traced_memory()[0]
        for poll in range(1, 6):
            start = poll * 20_000
            renderer.render(SIZE(n, str(n)) for n in range(start, start + 20_000))
        assert tracemalloc.get_traced_memory()[0] < before * 1.5
    finally:
        tracemalloc.stop()


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


def test_a_duplicate_in_a_histogram_is_left_out_and_its_parts_are_not_each_other() -> (
    None
):
    counts = Histogram((0.1,))
    samples = [*TIME.histogram(counts, "a"), *TIME.histogram(counts, "a")]

    rendered = Renderer("orders", 100).render(samples)

    assert (rendered.series, rendered.dropped) == (4, 4)


def test_help_stays_on_one_line() -> None:
    odd = gauge("pg_odd", "one\ntwo \\ three")

    assert header(odd) == (b"# HELP pg_odd one\\ntwo \\\\ three\n# TYPE pg_odd gauge\n")


def test_a_page_says_the_same_plain_and_gzipped() -> None:
    parts = [f"pg_up {n}\n".encode() for n in range(1000)]
    page = Page(parts)

    assert page.plain == b"".join(parts)
    assert gzip.decompress(page.gzip) == page.plain
