"""The estimate of a B-tree's air: arithmetic, bounds, what is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors.postgres_index_bloat import Rows, Tree, evidence, samples
from exporter.state import StickyTop
from tests.unit.sampled import values

TREE = Tree(1, "public", "t", "i", 1000, 100_000.0, 8.0, 8192, 90)
FITTING = int(8152 * 0.9 // 20)
NEEDED = 1 - (-100_000 // FITTING)


def test_what_is_beyond_the_entries_is_bloat() -> None:
    assert TREE.bloat == (1000 - NEEDED) * 8192
    assert replace(TREE, width=3.0).bloat == TREE.bloat
    assert replace(TREE, width=100.0).bloat == 0


@pytest.mark.parametrize(("entries", "expected"), [(0.0, 999), (1e9, 0)])
def test_an_empty_tree_is_all_air_and_a_full_one_has_none(
    entries: float, expected: int
) -> None:
    assert replace(TREE, entries=entries).bloat == expected * 8192


def test_a_key_of_unknown_width_or_wider_than_a_page_is_no_error() -> None:
    assert replace(TREE, width=None).bloat is None
    assert replace(TREE, width=1e6).bloat == 0
    found = values(samples(Rows({"a": [replace(TREE, width=None)]}), StickyTop()))
    assert found == {"pg_index_bloat_bytes": {("other",) * 4: 0}}


def test_the_fifty_with_most_are_named_and_the_rest_is_summed() -> None:
    trees = [
        replace(TREE, oid=n, indexrelname=f"i{n}", pages=1000 + n) for n in range(60)
    ]
    found = values(samples(Rows({"shop": trees}), StickyTop()))["pg_index_bloat_bytes"]
    assert len(found) == 51
    assert found[("other",) * 4] == sum(1000 + n - NEEDED for n in range(10)) * 8192
    (shown,) = evidence(Rows({"shop": trees}))
    assert shown.rows[0][:3] == ("i59", "public.t", "shop")
