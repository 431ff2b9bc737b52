"""SHOW commands as servers of several versions understand them."""

from __future__ import annotations

from exporter.collectors._neo4j_index import INDEXES
from exporter.sources.neo4j_show import Either, Made, Show

SHOW = Show(
    "SHOW THINGS",
    {
        "name": "name",
        "ours": Made("metaData", "metaData.app = 'me'"),
        "owner": Either("owningConstraint", Made("uniqueness", "uniqueness + '!'")),
        "faults": "pageFaults",
    },
    only="name IN $names",
    asks=("name",),
)
OF_4_4 = {"name", "state", "type", "uniqueness", "labelsOrTypes", "properties"}


def test_what_the_server_has_is_asked_for_by_name() -> None:
    assert SHOW.text(
        {"name", "metaData", "owningConstraint", "pageFaults", "more"}
    ) == (
        "SHOW THINGS YIELD name, metaData, owningConstraint, pageFaults "
        "WHERE name IN $names RETURN name AS name, metaData.app = 'me' AS ours, "
        "owningConstraint AS owner, pageFaults AS faults"
    )


def test_what_it_lacks_is_not_asked_for_and_told() -> None:
    columns = {"name", "uniqueness"}
    assert SHOW.text(columns) == (
        "SHOW THINGS YIELD name, uniqueness WHERE name IN $names "
        "RETURN name AS name, uniqueness + '!' AS owner"
    )
    assert SHOW.lacking(columns) == ["ours", "faults"]


def test_a_column_that_only_a_condition_needs_is_asked_for_too() -> None:
    show = Show("SHOW THINGS", {"n": "name"}, "state = 'FAILED'", ("state",))
    assert show.text({"name", "state"}) == (
        "SHOW THINGS YIELD name, state WHERE state = 'FAILED' RETURN name AS n"
    )


def test_an_index_of_4_4_is_owned_when_it_is_unique_and_has_no_reads() -> None:
    text = INDEXES.text(OF_4_4)
    assert "owningConstraint" not in text
    assert "CASE uniqueness WHEN 'UNIQUE' THEN name END AS owner" in text
    assert {"reads", "last_read", "tracked_since"} <= set(INDEXES.lacking(OF_4_4))
