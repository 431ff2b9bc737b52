"""Expected indexes in `indexes`: which there are, and which nobody needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import neo4j_indexes
from exporter.collectors.neo4j_indexes import Reading, samples
from tests.unit.sampled import values
from tests.unit.test_neo4j_indexes import BY_USER, FAILED, LOOKUP, UNIQUE_44

if TYPE_CHECKING:
    from exporter.collectors._neo4j_index import Index


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (BY_USER, "present"),
        (UNIQUE_44, "present"),
        (replace(BY_USER, name="some_other_name"), "present"),
        (replace(BY_USER, state="POPULATING"), "not_online"),
        (FAILED, "failed"),
        (replace(BY_USER, labels=["Person"]), "missing"),
        (replace(BY_USER, properties=["id", "name"]), "missing"),
        (replace(BY_USER, kind="TEXT"), "missing"),
        (replace(BY_USER, kind="FULLTEXT"), "missing"),
        (replace(BY_USER, entity="RELATIONSHIP"), "missing"),
        (LOOKUP, "missing"),
    ],
)
def test_an_expected_index_is_known_by_what_it_covers(row: Index, status: str) -> None:
    reading = Reading({"neo4j": [row]}, [("User", ("id",))])
    found = values(samples(reading, {}))["neo4j_index_expected"]
    assert found == {
        ("User", "id", known): int(known == status)
        for known in (
            *("present", "missing", "failed", "not_online", "unused", "duplicate"),
        )
    }


DAY = 86400.0
MONTH_LATER = (BY_USER.last_read or 0) * 1000 + 30 * DAY * 1000


def holds(*rows: Index) -> set[str | None]:
    """Return the statuses that hold of an index on User(id)."""
    reading = Reading({"neo4j": [*rows]}, [("User", ("id",))])
    found = values(samples(reading, {}))["neo4j_index_expected"]
    assert len(found) == 6
    return {key[2] for key, value in found.items() if value}


@pytest.mark.parametrize(
    ("row", "unused"),
    [
        (replace(BY_USER, now_ms=MONTH_LATER - 1), False),
        (replace(BY_USER, now_ms=MONTH_LATER), False),
        (replace(BY_USER, now_ms=MONTH_LATER + 1000), True),
        # Nobody has read it, but reads are not counted for long enough either.
        (replace(BY_USER, last_read=None, now_ms=1795255200e3), False),
        (replace(BY_USER, last_read=None, now_ms=1795250000e3 + 31 * DAY * 1e3), True),
        # Before 5.8, and until the server first adds its reads up, nobody knows.
        (replace(BY_USER, last_read=None, tracked_since=None, now_ms=9e12), False),
        # A constraint needs it, read or not.
        (replace(BY_USER, owner="user_id", now_ms=9e12), False),
    ],
)
def test_an_expected_index_is_unused_once_nobody_read_it_for_a_month(
    row: Index,
    unused: bool,  # noqa: FBT001 - a case's verdict
) -> None:
    assert holds(row) == ({"present", "unused"} if unused else {"present"})


def test_an_expected_index_that_one_of_two_serves_is_in_use() -> None:
    idle = replace(BY_USER, now_ms=9e12)
    busy = replace(idle, name="old", kind="BTREE", last_read=9e9)
    assert holds(idle, busy) == {"present", "duplicate"}
    assert holds(idle, replace(busy, last_read=1.0)) == {
        *("present", "unused", "duplicate"),
    }


def test_an_expected_index_is_duplicate_beside_one_on_the_same_properties() -> None:
    both = replace(BY_USER, name="both", properties=["id", "name"])
    turned = replace(both, name="turned", properties=["name", "id"])
    rows = [both, turned, BY_USER]
    wanted = [("User", ("id", "name")), ("User", ("id",))]
    found = values(samples(Reading({"neo4j": rows}, wanted), {}))
    duplicate = {
        key[1]
        for key, v in found["neo4j_index_expected"].items()
        if v and key[2] == "duplicate"
    }
    assert duplicate == {"id,name"}
    assert holds(BY_USER, replace(BY_USER, name="text", kind="TEXT")) == {"present"}


def test_what_still_serves_is_no_evidence_of_a_missing_index() -> None:
    rows = [replace(BY_USER, now_ms=9e12), replace(BY_USER, name="old", kind="BTREE")]
    reading = Reading({"neo4j": rows}, [("User", ("id",)), ("User", ("name",))])
    (table,) = neo4j_indexes.evidence(reading)
    assert [row[2] for row in table.rows] == ["missing"]


def test_the_order_of_properties_counts() -> None:
    row = replace(BY_USER, properties=["b", "a"])
    wanted = [("User", ("a", "b")), ("User", ("b", "a"))]
    found = values(samples(Reading({"neo4j": [row]}, wanted), {}))
    assert found["neo4j_index_expected"]["User", "a,b", "missing"] == 1
    assert found["neo4j_index_expected"]["User", "b,a", "present"] == 1


def test_an_online_index_serves_beside_a_failed_one_on_the_same() -> None:
    reading = Reading({"neo4j": [FAILED, BY_USER]}, [("User", ("id",))])
    found = values(samples(reading, {}))["neo4j_index_expected"]
    assert found["User", "id", "present"] == 1


def test_expected_indexes_are_looked_for_in_the_first_database() -> None:
    reading = Reading({"neo4j": [], "sales": [BY_USER]}, [("User", ("id",))])
    found = values(samples(reading, {}))["neo4j_index_expected"]
    assert found["User", "id", "missing"] == 1
