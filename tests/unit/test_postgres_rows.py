"""Rows of pg_stat_statements as they are kept: nothing is lost in it."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from exporter.collectors._postgres_rows import (
    PRINT,
    hidden,
    key_of,
    owner_of,
    packed,
    queries_of,
    summed,
    unpacked,
)

WEB, JOBS, OLDEST = 11, 12, 2**32 - 1
MOST = 2**63 - 1
SPREAD = (0.25, 1.5, 2.5)


def row(query: int | None, calls: int, user: int = WEB) -> tuple[Any, ...]:
    figures = (0.1, 3, 0.0, 0.0, 1e-9, *range(6), 2.0, *SPREAD)
    return (user, 5, query, True, calls, *figures, calls + 1)


@pytest.mark.parametrize("query", [-MOST - 1, -1, 1, MOST, None])
def test_every_figure_is_what_it_was(query: int | None) -> None:
    whole = (OLDEST, OLDEST, query, False, 2**53 + 1, 0.1, *[MOST] * 1)
    odd = (*whole, 1e300, -0.0, 5e-324, *[MOST] * 6, 0.2, 0.3, 0.4, 0.5, -7)
    assert unpacked(packed(odd)) == odd


def test_a_row_with_another_column_is_refused() -> None:
    with pytest.raises(struct.error):
        unpacked(packed(row(7, 1)) + bytes(8))


def test_rows_of_one_key_are_summed_in_whole_numbers() -> None:
    rows = [packed(row(None, 2**53)), packed(row(7, 5)), packed(row(None, 1))]
    rows.append(packed(row(None, 1)))
    found = summed(rows)
    assert sorted(map(hidden, found)) == [False, True]
    assert found[key_of(rows[1])] is rows[1]
    sums = unpacked(found[key_of(rows[0])])
    assert sums[:4] == (WEB, 5, None, True)
    assert sums[4] == 2**53 + 2
    assert sums[6:9] == (9, 0.0, 0.0)
    assert found[key_of(rows[0])][PRINT] == bytes(8)


def test_whose_rows_they_are_is_read_without_the_figures() -> None:
    rows = [row(7, 1), row(8, 1), row(None, 1), row(9, 1, JOBS)]
    raws = [packed(one) for one in rows]
    assert len(set(map(owner_of, raws))) == 2
    assert list(map(hidden, raws)) == [False, False, True, False]
    assert raws[0][PRINT] == (2).to_bytes(8)
    assert queries_of(raws, WEB) == {7, 8}
    assert queries_of(raws, 99) == set()
