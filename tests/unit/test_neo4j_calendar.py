"""Dates of the driver without its table of all months."""

from __future__ import annotations

from datetime import date

import pytest
from neo4j import time

from exporter.sources.neo4j_calendar import shrink


@pytest.mark.parametrize(
    "day", [date(2024, 2, 29), date(1900, 2, 28), date(2023, 12, 31), date.max]
)
def test_dates_are_as_before(day: date) -> None:
    shrink()

    assert time.Date.from_native(day).to_native() == day


def test_the_table_is_gone() -> None:
    shrink()

    assert len(vars(time)["_DAYS_IN_MONTH"]) < 100
