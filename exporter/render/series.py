"""Test inputs: series written for promtool as functions of the KPI's value."""

from __future__ import annotations

import re
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.arithmetic import calculate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.catalogue.applications import Application
    from exporter.catalogue.model import Input

_HISTOGRAM = re.compile(r"(?P<name>\$?\w+)\{(?P<labels>.*)\}")
MINUTE = 60.0
VALUES = {"job": "j", "instance": "i", "target": "t"}
"""The labels that series have in the tests."""
_RATE = 1000.0  # observations per second in a histogram that is made up


class Series(NamedTuple):
    """One series of a promtool test: its name with labels, start and step."""

    name: str
    start: float
    step: float


def series_of(inputs: Sequence[Input], value: float, at: float) -> Iterator[Series]:
    """Yield the series that make the KPI have this value `at` seconds later."""
    for each in inputs:
        if each.value is not None:
            yield Series(each.series, calculate(each.value, value), 0.0)
        elif each.rate is not None:
            start = calculate(each.start, value, at)
            yield Series(each.series, start, calculate(each.rate, value) * MINUTE)
        elif each.quantile is not None:
            yield from _histogram(each.series, each.quantile, value)


def notation(
    application: Application, series: Series, count: int, **names: str
) -> dict[str, str]:
    """Write a series as promtool wants it in `input_series`.

    `names` are more of those that `Application.fill_series` puts in.
    """
    values = _values(f"{series.start:.12g}", f"{series.step:.12g}", count)
    return {
        "series": application.fill_series(series.name, **names),
        "values": values.replace("+-", "-"),
    }


def braces(labels: dict[str, str]) -> str:
    """Write labels as promtool wants them."""
    return "{" + ", ".join(f'{key}="{text}"' for key, text in labels.items()) + "}"


def _values(start: str, step: str, count: int) -> str:
    """Write a run of values whose last but one, where the test looks, is exact.

    promtool adds step by step, and so adds up what each sum is rounded by: sixty times
    0.05 is less than 3, and no limit of 3 is met.
    """
    looked = count - 1
    *_, added = accumulate(repeat(float(step), looked), initial=float(start))
    exact = f"{float(start) + float(step) * looked:.15g}"
    if added == float(exact):
        return f"{start}+{step}x{count}"
    return f"{start}+{step}x{looked - 1} {exact}+{step}x1"


def _histogram(name: str, quantile: float, value: float) -> Iterator[Series]:
    """Make three buckets of which `value` is the quantile, to the last digit.

    All observations up to the value's own bucket end there: its upper bound is the
    value itself, and the share of `quantile` lies at or below it.
    """
    match = _HISTOGRAM.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no series with labels")
    name = match["name"].replace("$", "${") + ("}" if name.startswith("$") else "")
    shares = ((repr(value / 2), 0.0), (repr(value), quantile), ("+Inf", 1.0))
    for bound, share in shares:
        labels = f'{match["labels"]}, le="{bound}"'
        yield Series(f"{name}_bucket{{{labels}}}", 0.0, share * _RATE * MINUTE)
    yield Series(f"{name}_count{{{match['labels']}}}", 0.0, _RATE * MINUTE)
