"""Indexes on the evidence page: which they are, and the statement that mends each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors._postgres_indexes import covered
from exporter.evidence import Cell, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exporter.collectors._postgres_expected import Expected
    from exporter.collectors._postgres_indexes import Index

_COLUMNS = ("index", "table", "database", "bytes", "statement")


def tables(
    databases: Mapping[str, Sequence[Index]],
    expected: Sequence[tuple[Expected, str]],
) -> Iterator[Evidence]:
    """Show invalid, missing, unused and covered indexes, the largest first."""
    every = [(name, i) for name, found in databases.items() for i in found]

    def shown(
        verb: str, wanted: Callable[[Index], bool]
    ) -> tuple[tuple[Cell, ...], ...]:
        found = sorted((o for o in every if wanted(o[1])), key=lambda o: -o[1].bytes)
        return tuple((*_named(name, i), f"{verb} {full(i)};") for name, i in found)

    yield Evidence(
        ("pg_index_invalid",),
        "Invalid indexes",
        _COLUMNS,
        shown("REINDEX INDEX CONCURRENTLY", lambda i: not (i.valid or i.building)),
    )
    yield Evidence(
        ("pg_index_missing",),
        "Expected indexes that are not there",
        ("table", "status", "statement"),
        tuple((one.table, status, create(one)) for one, status in expected),
    )
    yield Evidence(
        ("pg_index_unused",),
        "Indexes that nobody has read",
        _COLUMNS,
        shown("DROP INDEX CONCURRENTLY", lambda i: i.unused),
    )
    yield Evidence(
        ("pg_index_covered",),
        "Indexes that another one covers",
        (*_COLUMNS, "kind", "covered_by"),
        tuple(_covered(databases)),
    )


def _covered(databases: Mapping[str, Sequence[Index]]) -> Iterator[tuple[Cell, ...]]:
    found = [(n, one) for n, indexes in databases.items() for one in covered(indexes)]
    for name, (index, by, kind) in sorted(found, key=lambda o: -o[1].which.bytes):
        statement = f"DROP INDEX CONCURRENTLY {full(index)};"
        yield (*_named(name, index), statement, kind, by.indexrelname)


def create(wanted: Expected) -> str:
    """Write the statement that makes an expected index."""
    method = "" if wanted.methods[0] == "btree" else f"USING {wanted.methods[0]} "
    where = f" WHERE {wanted.where[0]}" if wanted.where else ""
    columns = ", ".join(wanted.columns)
    return f"CREATE INDEX CONCURRENTLY ON {wanted.table} {method}({columns}){where};"


def full(index: Index) -> str:
    """Write an index' name with its schema, quoted."""
    return ".".join(
        '"' + name.replace('"', '""') + '"'
        for name in (index.schemaname, index.indexrelname)
    )


def _named(database: str, index: Index) -> tuple[Cell, ...]:
    table = f"{index.schemaname}.{index.relname}"
    return index.indexrelname, table, database, index.bytes
