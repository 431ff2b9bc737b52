"""What is made of indexes: invalid, unused, covered, expected and wanted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue.indexes import TableIndex
from exporter.collectors._postgres_expected import Definition
from exporter.collectors._postgres_indexes import Index, Summary, Table, covered
from exporter.collectors.postgres_indexes import (
    Found,
    Memory,
    Rows,
    evidence,
    samples,
)
from tests.unit.sampled import values

if TYPE_CHECKING:
    from tests.unit.sampled import Values

DAY = 86400.0
WANTED = TableIndex(table="tasks", columns=("status", "priority desc"))


def index(oid: int, columns: str = "1", **more: object) -> Index:
    given: dict[str, object] = {
        **dict.fromkeys(("required", "part", "building"), False),
        "schemaname": "public",
        "relname": "t",
        "indexrelname": f"i{oid}",
        "method": "btree",
        "valid": True,
        "table": 7,
        "scans": 5,
        "bytes": 8192,
        "keys": len(columns.split()),
        "classes": " ".join("10" for _ in columns.split()),
        "collations": " ".join("0" for _ in columns.split()),
        "options": " ".join("0" for _ in columns.split()),
        "expressions": "",
        **more,
    }
    return Index(
        oid,
        columns=columns,
        **given,  # type: ignore[arg-type]  # the rows of a test
    )


def read(
    *indexes: Index,
    now: float = 1000 * DAY,
    standbys: int | None = 0,
    tables: tuple[Table, ...] = (),
    definitions: tuple[Definition, ...] = (),
) -> Rows:
    summary = Summary(
        12, now, 30 * DAY, standby=standbys is None, standbys=standbys or 0
    )
    found = Found([*indexes], summary, [*tables], [*definitions])
    return Rows({"shop": found}, (WANTED,))


def shown(rows: Rows, state: Memory | None = None) -> Values:
    return values(samples(rows, state or Memory()))


def place(oid: int) -> tuple[str, str, str, str]:
    return ("shop", "public", "t", f"i{oid}")


def test_an_invalid_index_is_named_and_one_that_is_being_built_is_not() -> None:
    found = shown(read(index(1, valid=False), index(2, valid=False, building=True)))
    assert found["pg_index_invalid"] == {place(1): 1}
    assert found["pg_indexes"] == {
        ("shop", "valid"): 12,
        ("shop", "invalid"): 1,
        ("shop", "building"): 1,
    }


def test_no_more_than_fifty_invalid_indexes_are_named_and_all_are_counted() -> None:
    found = shown(read(*(index(n, valid=False) for n in range(60))))
    assert len(found["pg_index_invalid"]) == 50
    assert found["pg_indexes"]["shop", "invalid"] == 60


def test_an_unused_index_has_its_size_and_since_when_at_least() -> None:
    found = shown(read(index(1, scans=0), index(2)))
    assert found["pg_index_unused_bytes"] == {place(1): 8192}
    assert found["pg_index_unused_seconds"] == {place(1): 30 * DAY}
    assert found["pg_index_standbys"] == {("shop",): 0}


def test_what_standbys_may_read_is_not_known_to_be_unused() -> None:
    found = shown(read(index(1, scans=0), standbys=1))
    assert found["pg_index_standbys"] == {("shop",): 1}
    assert found["pg_index_unused_bytes"] == {place(1): 8192}
    assert "pg_index_unused_seconds" not in found


@pytest.mark.parametrize("why", ["required", "part"])
def test_what_cannot_go_is_not_called_unused(why: str) -> None:
    given: dict[str, Any] = {"scans": 0, why: True}
    assert "pg_index_unused_bytes" not in shown(read(index(1, **given)))


def test_on_a_standby_nothing_is_called_unused() -> None:
    assert "pg_index_unused_bytes" not in shown(read(index(1, scans=0), standbys=None))


def test_an_index_that_comes_later_is_unused_since_then() -> None:
    state = Memory()
    shown(read(), state)
    shown(read(index(1, scans=0), now=1001 * DAY), state)
    found = shown(read(index(1, scans=0), now=1003 * DAY), state)
    assert found["pg_index_unused_seconds"] == {place(1): 2 * DAY}
    shown(read(index(1), now=1004 * DAY), state)
    assert state.since == {}


def test_unused_indexes_beyond_fifty_are_summed() -> None:
    found = shown(read(*(index(n, scans=0, bytes=n + 1) for n in range(60))))
    unused = found["pg_index_unused_bytes"]
    assert (len(unused), unused[("other",) * 4]) == (51, sum(range(1, 11)))
    assert len(found["pg_index_unused_seconds"]) == 50


@pytest.mark.parametrize(
    ("short", "long", "kind"),
    [
        (index(2), index(1), "duplicate"),
        (index(1), index(2, required=True), "duplicate"),
        (index(1), index(2, "1 2"), "redundant"),
        (index(1), index(2, "1 2", required=True), "redundant"),
        (index(1, "1 3", keys=1), index(2, "1 2 3", keys=2), "redundant"),
        (index(2, method="gin"), index(1, method="gin"), "duplicate"),
    ],
)
def test_an_index_that_another_covers_is_found(
    short: Index, long: Index, kind: str
) -> None:
    assert [*covered([short, long])] == [(short, long, kind)]
    found = shown(read(short, long))["pg_index_covered_bytes"]
    assert found == {(*place(short.oid), long.indexrelname, kind): 8192}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (index(1, required=True), index(2, "1 2")),
        (index(1, "2"), index(2, "1 2")),
        (index(1, "1", options="1"), index(2, "1 2")),
        (index(1, "1", collations="9"), index(2, "1 2")),
        (index(1, "1", classes="9"), index(2, "1 2")),
        (index(1, expressions="a"), index(2, expressions="b")),
        (index(1, "0", expressions="a"), index(2, "0 2", expressions="a")),
        (index(1, table=8), index(2)),
        (index(1, method="gin"), index(2, "1 2", method="gin")),
        (index(1), index(2, "1 2", valid=False)),
        (index(1, "1 3", keys=1), index(2, "1 2", keys=2)),
        (index(1, part=True), index(2, part=True)),
        (index(1, required=True), index(2, required=True)),
    ],
)
def test_an_index_that_none_covers_is_not(one: Index, other: Index) -> None:
    assert [*covered([one, other])] == []


def test_an_expected_index_has_its_status() -> None:
    expected = ("tasks", "status,priority desc")
    missing = shown(read())["pg_index_expected"]
    assert missing == {
        (*expected, "missing"): 1,
        (*expected, "present"): 0,
        (*expected, "invalid"): 0,
    }
    there = Definition(
        *("tasks", "btree", True, False, ["status", "priority"]),
        *(["text_ops", "int4_ops"], [False, True], None),
    )
    present = shown(read(definitions=(there,)))["pg_index_expected"]
    assert present[*expected, "present"] == 1


def test_tables_that_are_read_whole_are_at_most_twenty() -> None:
    tables = tuple(Table("public", f"t{n}", n, n * 20_000) for n in range(1, 31))
    found = shown(read(tables=tables))
    assert len(found["pg_index_wanted_rows_total"]) == 20
    assert found["pg_index_wanted_scans_total"]["shop", "public", "t30"] == 30
    assert found["pg_index_wanted_rows_total"]["shop", "public", "t30"] == 600_000


def test_evidence_has_the_statement_that_mends() -> None:
    odd = index(1, valid=False, schemaname='a"b')
    rows = read(odd, index(2, scans=0, bytes=3), index(3, "5"), index(4, "5 6"))
    invalid, missing, unused, above = evidence(rows)
    assert invalid.rows[0][-1] == 'REINDEX INDEX CONCURRENTLY "a""b"."i1";'
    assert missing.rows == (
        (
            *("tasks", "missing"),
            "CREATE INDEX CONCURRENTLY ON tasks (status, priority desc);",
        ),
    )
    assert unused.rows[0][-1] == 'DROP INDEX CONCURRENTLY "public"."i2";'
    assert [row[-2:] for row in above.rows] == [("redundant", "i4")]
