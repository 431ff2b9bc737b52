"""Indexes on the evidence page: which they are, and the statement that mends each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors._postgres_indexes import covered
from exporter.evidence import Cell, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.collectors._postgres_expected import Expected
    from exporter.collectors._postgres_indexes import Index


def tables(
    databases: Mapping[str, Sequence[Index]],
    expected: Sequence[tuple[Expected, str]],
) -> Iterator[Evidence]:
    """Show invalid, missing, unused and covered indexes, the largest first."""
    every = [(name, i) for name, found in databases.items() for i in found]
    largest = sorted(every, key=lambda one: -one[1].bytes)
    yield Evidence(
        ("pg_index_invalid",),
        "Invalid indexes",
        ("index", "table", "database", "bytes", "statement"),
        tuple(
            (
                *_named(name, index),
                index.bytes,
                f"REINDEX INDEX CONCURRENTLY {full(index)};",
            )
            for name, index in largest
            if not index.valid and not index.building
        ),
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
        ("index", "table", "database", "bytes", "statement"),
        tuple(
            (
                *_named(name, index),
                index.bytes,
                f"DROP INDEX CONCURRENTLY {full(index)};",
            )
            for name, index in largest
            if index.unused
        ),
    )
    found = [(n, one) for n, indexes in databases.items() for one in covered(indexes)]
    yield Evidence(
        ("pg_index_covered",),
        "Indexes that another one covers",
        ("index", "table", "database", "bytes", "kind", "covered_by", "statement"),
        tuple(
            (
                *_named(name, one.which),
                *(one.which.bytes, one.kind, one.by.indexrelname),
                f"DROP INDEX CONCURRENTLY {full(one.which)};",
            )
            for name, one in sorted(found, key=lambda pair: -pair[1].which.bytes)
        ),
    )


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
    return index.indexrelname, f"{index.schemaname}.{index.relname}", database
