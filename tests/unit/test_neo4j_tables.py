"""Dates and numbers of the driver without its tables of all of them."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from sys import getsizeof

import pytest
from neo4j import time
from neo4j._codec.packstream import v1, v2

from exporter.sources.neo4j_tables import shrink


@pytest.mark.parametrize(
    "day", [date(2024, 2, 29), date(1900, 2, 28), date(2023, 12, 31), date.max]
)
def test_dates_are_as_before(day: date) -> None:
    shrink()

    found = time.Date.from_native(day)

    assert found.to_native() == day
    assert time.Date.is_leap_year(day.year) == (day.year == 2024)
    assert time.Date.days_in_year(day.year) == 365 + (day.year == 2024)
    assert time.Date.days_in_month(2024, 2) == 29


@pytest.mark.parametrize("codec", [v1, v2])
@pytest.mark.parametrize(
    ("value", "packed"),
    [
        (1000, b"\xc9\x03\xe8"),
        (-1000, b"\xc9\xfc\x18"),
        ("x" * 1000, b"\xd1\x03\xe8" + b"x" * 1000),
    ],
)
def test_numbers_are_sent_as_before(
    codec: object, value: object, packed: bytes
) -> None:
    shrink()
    stream = BytesIO()

    vars(codec)["Packer"](stream).pack(value)

    assert stream.getvalue() == packed


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *((time, f"_{one}") for one in ("IS_LEAP_YEAR", "DAYS_IN_YEAR")),
        (time, "_DAYS_IN_MONTH"),
        *((codec, "PACKED_UINT_16") for codec in (v1, v2)),
        *((codec, "UNPACKED_UINT_16") for codec in (v1, v2)),
    ],
)
def test_the_tables_are_gone(module: object, name: str) -> None:
    shrink()

    assert getsizeof(vars(module)[name]) < 10_000


def test_two_bytes_are_read_as_they_are_written() -> None:
    shrink()

    tables = vars(v1)

    assert tables["UNPACKED_UINT_16"][tables["PACKED_UINT_16"][65_535]] == 65_535
