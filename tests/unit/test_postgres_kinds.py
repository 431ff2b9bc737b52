"""Two kinds of calls are found where there are two, by what is seen of them."""

from __future__ import annotations

import random
from math import exp, log
from typing import TYPE_CHECKING

import pytest

from exporter.collectors._postgres_ages import AGES, Seen, age_class
from exporter.collectors._postgres_bend import Higher, Spread
from exporter.collectors._postgres_kinds import (
    Kinds,
    Lognormal,
    likely_high,
    tried,
)
from exporter.collectors._postgres_shape import lognormal

if TYPE_CHECKING:
    from collections.abc import Sequence

DICE = random.Random(3)
QUICK = [DICE.lognormvariate(log(0.0003), 0.4) for _ in range(8500)]
SLOW = [DICE.lognormvariate(log(0.02), 0.3) for _ in range(1500)]
CALLS = [*QUICK, *SLOW]
MEAN = sum(CALLS) / len(CALLS)
POWERS = [sum((call - MEAN) ** n for call in CALLS) / len(CALLS) for n in (2, 3, 4)]
SPREAD = Spread(MEAN, POWERS[0], min(CALLS), max(CALLS))


def ages(calls: Sequence[float]) -> list[float]:
    """Look at calls as often as one look a second meets ten times as many."""
    found = [0.0] * (len(AGES) + 1)
    for call in calls:
        if DICE.random() < 10 * call:
            found[age_class(DICE.uniform(0, call))] += 1
    return found


def share_above(limit: float, seen: Seen) -> float:
    found = tried(SPREAD, seen)
    best = max(likely for likely, _ in found)
    weights = [exp(likely - best) for likely, _ in found]
    shares = [
        weight * (1 - kinds.below(limit))
        for weight, (_, kinds) in zip(weights, found, strict=True)
    ]
    return sum(shares) / sum(weights)


def test_whatever_is_tried_has_the_mean_and_the_variance() -> None:
    found = tried(SPREAD, Seen(calls=len(CALLS)))
    assert len(found) > 10
    for _, kinds in found:
        mean = kinds.moment(1)
        assert mean == pytest.approx(SPREAD.mean, rel=0.02)
        variance = kinds.moment(2) - mean * mean
        assert variance == pytest.approx(SPREAD.variance, rel=0.05)


@pytest.mark.parametrize(
    "seen",
    [
        Seen(calls=len(CALLS), higher=Higher(POWERS[1], POWERS[2], 0.05, 20)),
        Seen(calls=len(CALLS), ages=ages(CALLS), exposure=10.0 * len(CALLS)),
    ],
    ids=["higher moments", "ages"],
)
def test_what_is_seen_tells_how_many_are_slow(seen: Seen) -> None:
    one = lognormal(SPREAD)
    for limit in (0.002, 0.02):
        true = sum(call > limit for call in CALLS) / len(CALLS)
        assert share_above(limit, seen) == pytest.approx(true, rel=0.25)
        assert one(limit) != pytest.approx(true, rel=0.4)


def test_a_call_lasts_before_a_limit_as_long_as_its_kinds_do() -> None:
    kinds = Kinds(0.2, Lognormal(log(0.001), 0.3), Lognormal(log(0.1), 0.2), 1.0)
    assert kinds.upto(0) == 0
    assert kinds.upto(1.0) == pytest.approx(kinds.moment(1), rel=1e-6)
    assert kinds.upto(0.02) == pytest.approx(0.8 * 0.001 * exp(0.045) + 0.2 * 0.02)
    assert kinds.below(0.02) == pytest.approx(0.8)


def test_a_maximum_is_likely_where_some_calls_are_near_and_none_above() -> None:
    fitting = likely_high(1000, above=0.0005, near=0.002)
    assert fitting > likely_high(1000, above=0.02, near=0.1) + 5
    assert fitting > likely_high(1000, above=0.0, near=0.00001) + 2


def test_the_maximum_tells_how_far_the_slow_ones_reach() -> None:
    far = [
        (likely, kinds.slow.below(SPREAD.high))
        for likely, kinds in tried(SPREAD, Seen(calls=len(CALLS)))
    ]
    best, least = max(far), min(far)
    assert len(CALLS) * 0.15 * (1 - best[1]) < 10
    assert least[0] < best[0] - 10
