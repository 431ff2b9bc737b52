"""A spread is bent to the moments that are known, and no further."""

from __future__ import annotations

import math

import pytest

from exporter.collectors._postgres_bend import Grid, Higher, Spread, bend

LEVEL = Grid(tuple(0.001 * 1.15**n for n in range(48)), (1 / 48,) * 48)
WIDE = Spread(0.02, 0.04**2, LEVEL.points[0], LEVEL.points[-1])


def central(grid: Grid, order: int) -> float:
    mean = grid.moment(1)
    pairs = zip(grid.points, grid.shares, strict=True)
    return sum(share * (point - mean) ** order for point, share in pairs)


def bent(higher: Higher | None = None) -> Grid:
    grid = bend(LEVEL, WIDE, higher)
    assert grid is not None
    return grid


def test_mean_and_variance_are_met() -> None:
    grid = bent()
    assert sum(grid.shares) == pytest.approx(1)
    assert grid.moment(1) == pytest.approx(WIDE.mean, rel=1e-3)
    assert central(grid, 2) == pytest.approx(WIDE.variance, rel=1e-3)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_sure_higher_moments_are_met_too(factor: float) -> None:
    before = bent()
    third, fourth = factor * central(before, 3), factor**2 * central(before, 4)
    grid = bent(Higher(third, fourth, 0.01, 20))
    assert grid.moment(1) == pytest.approx(WIDE.mean, rel=1e-3)
    assert central(grid, 2) == pytest.approx(WIDE.variance, rel=1e-3)
    assert central(grid, 3) == pytest.approx(third, rel=0.1)


def test_doubtful_higher_moments_hardly_pull() -> None:
    before = bent()
    third, fourth = central(before, 3), central(before, 4)
    grid = bent(Higher(third / 2, fourth / 4, 30.0, 20))
    assert central(grid, 3) == pytest.approx(third, rel=0.05)


def test_moments_that_no_calls_in_these_bounds_have_are_refused() -> None:
    assert bend(LEVEL, WIDE._replace(variance=1.0)) is None
    assert bend(LEVEL, WIDE._replace(variance=0.0)) is None
    assert bend(LEVEL, WIDE._replace(mean=10.0)) is None


def test_the_share_above_a_limit_is_spread_between_the_points() -> None:
    grid = Grid((0.01, 0.1, 1.0), (0.5, 0.25, 0.25))
    edge = math.sqrt(0.01 * 0.1)
    found = grid.above([0.001, 0.01, edge, 1.0])
    assert found == pytest.approx([1, 1, 0.5, 0])
    assert 0.5 < grid.above([0.02])[0] < 1
