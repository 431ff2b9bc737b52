"""Clients as labels, and what the numbers in ids tell of others' work."""

from __future__ import annotations

import pytest

from exporter.collectors._neo4j_clients import Foreign, agent, highest, number


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("neo4j-python/6.4.1 Python/3.11.7-final-0 (linux)", "neo4j-python/6"),
        ("neo4j-java/5.20.0", "neo4j-java/5"),
        ("neo4j-browser/v5.21.0", "neo4j-browser/5"),
        ("My App", "My App"),
        ("@company/client/2.1", "@company"),
        ("9lives/1", "other"),
        ("", "other"),
        (None, "other"),
        ("x" * 200, "x" * 40),
    ],
)
def test_an_agent_is_its_name_and_major_version(text: str | None, label: str) -> None:
    assert agent(text) == label


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("neo4j-transaction-386", "neo4j-transaction", 386),
        ("my.db-2-transaction-7", "my.db-2-transaction", 7),
        ("neo4j-transaction-386", "sales-transaction", None),
        ("query-12", "query", 12),
        ("bolt-0", "bolt", 0),
        ("0f3a-77", "query", None),
        ("query-abc", "query", None),
        ("", "query", None),
        (None, "query", None),
    ],
)
def test_a_number_is_read_out_of_ids_as_they_are_known(
    text: str | None, kind: str, found: int | None
) -> None:
    assert number(text, kind) == found


def test_the_highest_number_counts() -> None:
    assert highest(["query-9", None, "query-10", "other"], "query") == 10
    assert highest(["other"], "query") is None


def test_others_are_counted_from_the_first_look_on_without_us_and_never_back() -> None:
    foreign = Foreign()
    steps = [
        (1000, 10, 0),  # what was before we came
        (1012, 14, 8),
        (1013, 15, 8),  # only we did something
        (1013, 16, 8),  # what we sent did not arrive
        (20, 18, 26),  # a new start of the server
    ]
    assert [foreign.count(now, ours) for now, ours, _ in steps] == [
        total for _, _, total in steps
    ]
