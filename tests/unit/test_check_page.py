"""Pages of metrics as anybody writes them, and pages that are none."""

from __future__ import annotations

import math

import pytest

from exporter.check_page import Line, lines

INFINITE = math.inf


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up 1", Line("up", {}, 1.0)),
        ("up{} 1", Line("up", {}, 1.0)),
        ("  up   1.5e3   1700000000000", Line("up", {}, 1500.0)),
        ('x_total{path="/a b",} -Inf', Line("x_total", {"path": "/a b"}, -INFINITE)),
        ('x{a="1",b=""} +Inf', Line("x", {"a": "1", "b": ""}, INFINITE)),
        ('x{ a = "}" , b="{" } 1', Line("x", {"a": "}", "b": "{"}, 1.0)),
        (r'x{a="say \"no\"\n\\"} 0', Line("x", {"a": 'say "no"\n\\'}, 0.0)),
        (
            'x_bucket{le="0.1"} 8 # {trace_id="a"} 0.05',
            Line("x_bucket", {"le": "0.1"}, 8.0),
        ),
    ],
)
def test_a_sample_is_read_in_every_spelling(text: str, expected: Line) -> None:
    assert list(lines(text)) == [expected]


def test_a_value_may_be_no_number() -> None:
    (found,) = lines("x NaN")

    assert math.isnan(found.value)


def test_comments_and_empty_lines_are_no_samples() -> None:
    text = "# HELP up Up.\n# TYPE up gauge\n\n\r\nup 1\r\n# EOF\n"

    assert list(lines(text)) == [Line("up", {}, 1.0)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<!DOCTYPE html>", "line 1 is '<!DOCTYPE html>'"),
        ('up 1\n{"status": "ok"}', 'line 2 is \'{"status": "ok"}\''),
        ("up", "line 1 is 'up'"),
        ("up one", "line 1 is 'up one'"),
        ("up{job=} E", "line 1 is 'up{job=} E'"),
        ("x" * 100 + "!", f"line 1 is '{'x' * 60}'"),
    ],
)
def test_what_is_no_page_of_metrics_is_said_with_its_line(
    text: str, problem: str
) -> None:
    with pytest.raises(ValueError, match="no page of metrics") as caught:
        list(lines(text))

    assert str(caught.value) == f"is no page of metrics: {problem}"
