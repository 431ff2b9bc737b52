"""The line through a period: a trend or noise, and when a limit is met."""

from __future__ import annotations

import pytest

from exporter.report.model import Trend
from exporter.report.trend import trend


def test_a_straight_rise_meets_its_limit_when_the_line_does() -> None:
    points = [(float(at), 0.5 + at / 1000) for at in range(0, 110, 10)]

    found = trend(points, 0.8)

    assert found.change == pytest.approx(0.1)
    assert found.reaches == pytest.approx(200)


def test_a_fall_away_from_the_limit_meets_it_never() -> None:
    points = [(float(at), 0.5 - at / 1000) for at in range(0, 110, 10)]

    found = trend(points, 0.8)

    assert found.change == pytest.approx(-0.1)
    assert found.reaches is None


def test_a_limit_further_than_ten_periods_away_is_not_in_sight() -> None:
    points = [(float(at), 0.1 + at / 1000) for at in range(0, 110, 10)]

    assert trend(points, 1.19).reaches == pytest.approx(990)
    assert trend(points, 1.22).reaches is None


@pytest.mark.parametrize(
    "values",
    [
        [0.5] * 20,
        [0.2, 0.8] * 10,  # what comes and goes
        [0.5 + at / 10_000 for at in range(20)],  # below one per cent
        [0.1, 0.2, 0.3],  # too few
    ],
)
def test_noise_and_trifles_are_no_trend(values: list[float]) -> None:
    points = [(10.0 * at, value) for at, value in enumerate(values)]

    assert trend(points, 1.0) == Trend()


def test_points_of_one_moment_are_no_trend() -> None:
    assert trend([(5.0, float(n)) for n in range(20)], 1.0) == Trend()
