"""Series of the rule tests: what promtool adds up is what was meant."""

from __future__ import annotations

from itertools import accumulate, repeat

import pytest

from exporter.catalogue.applications import Application
from exporter.render.series import Series, notation


def written(start: float, step: float, count: int) -> str:
    return notation(Application(), Series("x", start, step), count)["values"]


def added(text: str) -> list[float]:
    """Add up as promtool does, one step after the other."""
    runs = [run.replace("-", "+-").partition("+") for run in text.split()]
    parts = [(start, *rest.split("x")) for start, _, rest in runs]
    return [
        value
        for start, step, times in parts
        for value in accumulate(repeat(float(step), int(times)), initial=float(start))
    ]


def test_an_hour_of_small_steps_adds_up_to_the_limit_itself() -> None:
    values = added(written(0.0, 3 / 3600 * 60, 62))
    assert len(values) == 63
    assert values[61] - values[1] == 3.0


@pytest.mark.parametrize(
    ("start", "step", "text"),
    [
        (0.0, 60.0, "0+60x62"),
        (0.0, 0.0525, "0+0.0525x60 3.2025+0.0525x1"),
        (1e6, -6.3, "1000000-6.3x60 999615.7-6.3x1"),
    ],
)
def test_what_rounding_would_change_is_written_anew(
    start: float, step: float, text: str
) -> None:
    assert written(start, step, 62) == text
