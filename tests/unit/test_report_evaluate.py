"""PromQL on a page of metrics: as Prometheus has it, or refused."""

from __future__ import annotations

import math

import pytest

from exporter.catalogue.applications import Application
from exporter.catalogue.loader import catalogue
from exporter.check_page import lines
from exporter.report.evaluate import (
    FirstLookError,
    Looks,
    NeedsHistoryError,
    evaluate,
)
from exporter.report.pages import read

NOW = """\
a{target="t",x="1"} 6
a{target="t",x="2"} 2
a{target="u",x="1"} 5
b{target="t"} 4
text{target="t",x="1",query="select"} 1
calls_total{target="t"} 130
calls_total{target="u"} 7
d_bucket{target="t",le="0.1"} 50
d_bucket{target="t",le="0.2"} 90
d_bucket{target="t",le="+Inf"} 100
"""
BEFORE = 'calls_total{target="t"} 100\ncalls_total{target="u"} 9\n'
PAGES = Looks(read(lines(NOW)), read(lines(BEFORE)), {"t": 10.0, "u": 10.0})


def values(expression: str) -> dict[str, float]:
    """Evaluate; returns the values by their labels' values."""
    return {
        " ".join(value for _, value in sorted(labels.items())): value
        for labels, value in evaluate(expression, PAGES)
    }


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ('a{x="1"}', {"t 1": 6, "u 1": 5}),
        ('a{x!="1"}', {"t 2": 2}),
        ('a{target=~"t|v",x!~"2"}', {"t 1": 6}),
        ('a{nowhere=""}', {"t 1": 6, "t 2": 2, "u 1": 5}),
        ("sum by (target) (a)", {"t": 8, "u": 5}),
        ("max without (x) (a)", {"t": 6, "u": 5}),
        ("count(a)", {"": 3}),
        ("avg by (target) (a)", {"t": 4, "u": 5}),
        ("min(a)", {"": 2}),
        ("group by (x) (a)", {"1": 1, "2": 1}),
        ("topk by (target) (1, a)", {"t 1": 6, "u 1": 5}),
        ("a > 5", {"t 1": 6}),
        ("a > bool 5", {"t 1": 1, "t 2": 0, "u 1": 0}),
        ("7 - a", {"t 1": 1, "t 2": 5, "u 1": 2}),
        ("-a + 1", {"t 1": -5, "t 2": -1, "u 1": -4}),
        ("a / on (target) group_left () b", {"t 1": 1.5, "t 2": 0.5}),
        ("b * on (target) group_right () a", {"t 1": 24, "t 2": 8}),
        (
            "a * on (target, x) group_left (query) text",
            {"select t 1": 6},
        ),
        ("sum by (target) (a) / b", {"t": 2}),
        ("a and on (target) b", {"t 1": 6, "t 2": 2}),
        ("a unless on (target) b", {"u 1": 5}),
        ("b or sum by (target) (a)", {"t": 4, "u": 5}),
        ("clamp_min(a, 5)", {"t 1": 6, "t 2": 5, "u 1": 5}),
        ("abs(b - 9)", {"t": 5}),
        ('label_replace(b, "y", "is-$1", "target", "(.*)")', {"t is-t": 4}),
        ('label_replace(b, "y", "no", "target", "z")', {"t": 4}),
        ("rate(calls_total[5m])", {"t": 3, "u": 0.7}),
        ("increase(calls_total[5m])", {"t": 30, "u": 7}),
        ("histogram_quantile(0.5, d_bucket)", {"t": 0.1}),
        ("histogram_quantile(0.7, sum by (target, le) (d_bucket))", {"t": 0.15}),
        ("histogram_quantile(0.95, d_bucket)", {"t": 0.2}),
        ("absent_series", {}),
        ("1 + 2", {"": 3}),
    ],
)
def test_an_expression_gives_what_prometheus_would_give(
    expression: str, wanted: dict[str, float]
) -> None:
    assert values(expression) == pytest.approx(wanted)


def test_nothing_of_nothing_is_no_number() -> None:
    (value,) = values("(b - b) / (b - b)").values()

    assert math.isnan(value)


@pytest.mark.parametrize(
    "expression",
    [
        "deriv(a[6h])",
        "avg_over_time(a[1h])",
        "a offset 1h",
        "max_over_time(a[1h:1m])",
        "time() - a",
    ],
)
def test_what_needs_history_is_refused(expression: str) -> None:
    with pytest.raises(NeedsHistoryError):
        evaluate(expression, PAGES)


def test_a_rate_needs_two_pages_and_a_poll_between_them() -> None:
    with pytest.raises(FirstLookError):
        evaluate("rate(calls_total[5m])", Looks(PAGES.now, {}, {}))
    unpolled = PAGES._replace(seconds={"t": 0.0, "u": 10.0})

    found = evaluate("rate(calls_total[5m])", unpolled)

    assert [sample.labels["target"] for sample in found] == ["u"]


def test_every_expression_of_the_catalogue_is_evaluated_or_refused() -> None:
    refused = set()
    for kpi in (kpi for subject in catalogue() for kpi in subject.kpis):
        cause = kpi.evidence.expr if kpi.evidence else "vector"
        for text in (kpi.expr, kpi.guard or "vector", cause):
            try:
                evaluate(Application().fill(text), PAGES)
            except NeedsHistoryError:
                refused.add(kpi.id)
    assert {"disk_full_in", "availability"} < refused
    assert len(refused) < 20
    assert not refused & {"cpu_used", "db_query_p95", "pg_connections_used"}
