"""What is made of rows about sequences, sizes of tables, and running vacuums."""

from __future__ import annotations

import pytest

from exporter.collectors import (
    postgres_progress,
    postgres_sequences,
    postgres_table_sizes,
)
from exporter.collectors.postgres_progress import Analyze, Vacuum
from exporter.collectors.postgres_sequences import Sequence
from exporter.collectors.postgres_table_sizes import Size
from exporter.config import Filter
from tests.unit.sampled import Values, values

TABLE = "pg_stat_user_tables_table_size_bytes"
INDEX = "pg_stat_user_tables_index_size_bytes"
INT4 = 2**31 - 1
UP, DOWN = True, False
FREE, HELD = False, True


@pytest.mark.parametrize(
    ("sequence", "used"),
    [
        (Sequence("s", "n", UP, 1, 1001, 501), 0.5),
        (Sequence("s", "n", UP, 1, 1001, 1001), 1.0),
        (Sequence("s", "n", UP, 1, INT4, INT4 + 5), 1.0),
        (Sequence("s", "n", UP, 1, INT4, None), 0.0),
        (Sequence("s", "n", DOWN, -1000, -1, -1000), 1.0),
        (Sequence("s", "n", DOWN, -1000, -1, -1), 0.0),
        (Sequence("s", "n", UP, 5, 5, 5), 0.0),
    ],
)
def test_a_sequence_is_through_its_range_in_its_own_direction(
    sequence: Sequence, used: float
) -> None:
    assert sequence.used == used


def test_the_furthest_sequences_of_all_databases_are_shown() -> None:
    found = {
        name: [Sequence("s", f"n{n}", UP, 0, 1000, n) for n in range(first, 30, 2)]
        for first, name in enumerate(("shop", "orders"))
    }
    rows = postgres_sequences.Rows(found, Filter())
    shown = values(postgres_sequences.samples(rows, postgres_sequences.Known()))
    assert sorted(shown["pg_sequence_used_ratio"].values()) == [
        n / 1000 for n in range(10, 30)
    ]
    assert shown["pg_sequence_used_ratio"]["orders", "s", "n29"] == 0.029


def test_sequences_of_a_schema_that_is_left_out_are_not_shown() -> None:
    found = {"shop": [Sequence(s, "n", UP, 0, 10, 5) for s in ("audit", "public")]}
    rows = postgres_sequences.Rows(found, Filter(exclude=("audit",)))
    shown = values(postgres_sequences.samples(rows, postgres_sequences.Known()))
    assert shown == {"pg_sequence_used_ratio": {("shop", "public", "n"): 0.5}}


def sizes(top: int, *rows: Size) -> Values:
    poll = postgres_table_sizes.Rows({"shop": list(rows)}, top)
    state = postgres_table_sizes.Known()
    return values(postgres_table_sizes.samples(poll, state))


def test_the_largest_tables_have_sizes_and_the_rest_is_summed() -> None:
    found = sizes(
        1,
        Size("public", "big", FREE, 500, 50),
        Size("public", "small", FREE, 20, 2),
        Size(None, None, FREE, 3, 1),
    )
    rest = ("shop", "other", "other")
    assert found[TABLE] == {("shop", "public", "big"): 500, rest: 23}
    assert found[INDEX] == {("shop", "public", "big"): 50, rest: 3}
    assert found["pg_table_sizes_locked"] == {("shop",): 0}


def test_a_locked_table_is_counted_and_has_no_size() -> None:
    found = sizes(5, Size("public", "item", HELD, None, None))
    assert found[TABLE] == {("shop", "other", "other"): 0}
    assert found["pg_table_sizes_locked"] == {("shop",): 1}


def test_a_running_vacuum_is_in_one_phase() -> None:
    run = Vacuum("shop", "item", "vacuuming heap", 100, 100, 40, 1, 7)
    rows = postgres_progress.Rows([run], [Analyze("shop", "item", 9, 3)], Filter())
    found = values(postgres_progress.samples(rows, None))
    phases = found["pg_stat_progress_vacuum_phase"]
    assert [labels[2] for labels, on in phases.items() if on] == ["vacuuming heap"]
    assert len(phases) == len(postgres_progress.PHASES)
    assert found["pg_stat_progress_vacuum_heap_blks_vacuumed"] == {("shop", "item"): 40}
    assert found["pg_stat_progress_analyze_blks_scanned"] == {("shop", "item"): 3}
    assert "pg_stat_progress_vacuum_max_dead_tuples" not in found


def test_a_phase_of_a_later_version_is_shown_as_well() -> None:
    run = Vacuum("shop", "item", "thinking", 1, 1, 1, 1, 1)
    rows = postgres_progress.Rows([run], [], Filter())
    phases = values(postgres_progress.samples(rows, None))[
        "pg_stat_progress_vacuum_phase"
    ]
    assert [labels[2] for labels, on in phases.items() if on] == ["thinking"]
