"""Rows out of the driver's values, and texts by the server's version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, timezone

import pytest
from neo4j.time import DateTime, Duration

from exporter.errors import Reason, SourceError
from exporter.sources.neo4j_rows import Server, places, plain

EAST = timezone(timedelta(hours=2))
QUERIES = {(5, 8): "new", (5, 0): "middle", (4, 3): "old"}


@dataclass(frozen=True)
class Row:
    """Three columns, of which a server may have fewer or more."""

    name: str
    reads: int | None
    state: str


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("4.3.0", "old"),
        ("4.4.48", "old"),
        ("5.0.0", "middle"),
        ("5.7.0", "middle"),
        ("5.8.0", "new"),
        ("5.26.31", "new"),
        ("5.27-aura", "new"),
        ("2026.09.0", "new"),
        ("", "new"),
        ("dev-build", "new"),
    ],
)
def test_a_text_is_chosen_by_the_lowest_version_it_is_for(
    version: str, text: str
) -> None:
    assert Server(version, "community").pick(QUERIES) == text


def test_a_server_older_than_every_text_is_unsupported() -> None:
    with pytest.raises(SourceError) as caught:
        Server("3.5.35", "community").pick(QUERIES)
    assert (caught.value.reason, caught.value.answered) == (Reason.UNSUPPORTED, True)
    assert str(caught.value) == "Neo4j 3.5.35 is too old; 4.3 or later is needed"


def test_columns_are_found_by_name_and_absent_ones_are_nowhere() -> None:
    assert places(Row, ("state", "more", "name")) == [2, -1, 0]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (DateTime(2026, 11, 21, 10, 0, 0, 500_000_000, tzinfo=UTC), 0.5),
        (DateTime(2026, 11, 21, 12, 0, 1, tzinfo=EAST), 1.0),
    ],
)
def test_moments_are_unix_seconds(value: DateTime, number: float) -> None:
    assert plain(value) == 1795255200 + number


def test_durations_are_seconds() -> None:
    value = Duration(days=1, hours=1, seconds=1, milliseconds=250)
    assert plain(value) == 86400 + 3600 + 1.25


@pytest.mark.parametrize("value", [None, 0, 1.5, "text", ["a"], {"a": 1}])
def test_all_else_stays_what_it_is(value: object) -> None:
    assert plain(value) == value
