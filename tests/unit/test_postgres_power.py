"""A power law follows from mean and minimum, and is told from what is none."""

from __future__ import annotations

import random
from math import exp

import pytest

from exporter.collectors._postgres_bend import Spread
from exporter.collectors._postgres_power import power_law

DICE = random.Random(5)
LOADS = {
    "power law": [0.004 * DICE.paretovariate(1.3) for _ in range(1200)],
    "lognormal": [0.01 * exp(DICE.gauss(0, 0.5)) for _ in range(1200)],
    "wide lognormal": [0.005 * exp(DICE.gauss(0, 2)) for _ in range(1200)],
    "exponential": [DICE.expovariate(25) for _ in range(1200)],
}


def spread_of(calls: list[float]) -> Spread:
    mean = sum(calls) / len(calls)
    variance = sum((call - mean) ** 2 for call in calls) / len(calls)
    return Spread(mean, variance, min(calls), max(calls))


def test_the_law_has_the_mean_that_it_was_made_of() -> None:
    law = power_law(0.004, 20.0, 0.017)
    assert law is not None
    assert law.moment(1) == pytest.approx(0.017, rel=1e-6)
    points = [0.004 * 5000 ** (place / 400) for place in range(401)]
    shares = law.shares(points)
    assert sum(shares) == pytest.approx(1)
    mean = sum(s * point for s, point in zip(shares, points, strict=True))
    assert mean == pytest.approx(0.017, rel=0.01)
    square = sum(s * point**2 for s, point in zip(shares, points, strict=True))
    assert square == pytest.approx(law.moment(2), rel=0.02)


def test_a_mean_that_no_law_has_gives_none() -> None:
    assert power_law(0.004, 20.0, 0.00401) is None
    assert power_law(0.004, 20.0, 15.0) is None


def test_the_exponent_may_be_the_order_of_a_moment() -> None:
    law = power_law(0.001, 1.0, 0.0069147)
    assert law is not None
    near, same = law._replace(exponent=1.00001), law._replace(exponent=1.0)
    assert same.moment(1) == pytest.approx(near.moment(1), rel=1e-3)


@pytest.mark.parametrize("load", LOADS)
def test_maximum_and_variance_tell_the_law_from_what_is_none(load: str) -> None:
    spread = spread_of(LOADS[load])
    law = power_law(spread.low, spread.high, spread.mean)
    likely = law.likely(spread, 1200) if law else -50.0
    assert likely > -2 if load == "power law" else likely < -4
