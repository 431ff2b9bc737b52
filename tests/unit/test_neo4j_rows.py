"""Rows out of the driver's values, and what a server is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from neo4j.time import Duration

from exporter.errors import Reason, SourceError
from exporter.sources.neo4j_rows import Kernel, Language, Server, places, plain


@dataclass(frozen=True)
class Row:
    """Three columns, of which a server may have fewer or more."""

    name: str
    reads: int | None
    state: str


@pytest.mark.parametrize(
    ("version", "told", "language"),
    [
        ("4.4.48", [], "4"),
        ("5.26.31", [], "5"),
        ("5.27-aura", [], "5"),
        ("2025.07.1", [Language("CYPHER 5")], "5"),
        ("2026.09.0", [Language("CYPHER 25")], "25"),
        ("2026.09.0", [Language(None)], "2026"),
        ("", [], ""),
    ],
)
def test_the_language_is_what_the_database_takes_a_query_to_be_in(
    version: str, told: list[Language], language: str
) -> None:
    server = Server.of(Kernel(version, "community"), told)
    assert server == (version, "community", language)


@pytest.mark.parametrize("version", ["4.3.0", "4.4.48", "5.26.31", "2026.09.0", "dev"])
def test_a_server_that_has_the_commands_is_served(version: str) -> None:
    Kernel(version, "community").check()


@pytest.mark.parametrize("version", ["3.5.35", "4.2.19"])
def test_a_server_without_the_commands_is_unsupported(version: str) -> None:
    with pytest.raises(SourceError) as caught:
        Kernel(version, "community").check()
    assert (caught.value.reason, caught.value.answered) == (Reason.UNSUPPORTED, True)
    assert str(caught.value) == f"Neo4j {version} is too old; 4.3 or later is needed"


def test_columns_are_found_by_name_and_absent_ones_are_nowhere() -> None:
    assert places(Row, ("state", "more", "name")) == [2, -1, 0]


def test_durations_are_seconds() -> None:
    value = Duration(days=1, hours=1, seconds=1, milliseconds=250)
    assert plain(value) == 86400 + 3600 + 1.25


@pytest.mark.parametrize("value", [None, 0, 1.5, "text", ["a"], {"a": 1}])
def test_all_else_stays_what_it_is(value: object) -> None:
    assert plain(value) == value
