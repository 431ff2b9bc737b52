"""What the Neo4j source decides without a server."""

from __future__ import annotations

import pytest

from exporter.sources.neo4j import direct


@pytest.mark.parametrize(
    ("uri", "used"),
    [
        ("bolt://graph:7687", "bolt://graph:7687"),
        ("bolt+s://graph:7687", "bolt+s://graph:7687"),
        ("neo4j://graph:7687", "bolt://graph:7687"),
        ("neo4j+s://graph:7687", "bolt+s://graph:7687"),
        ("neo4j+ssc://neo4j:7687", "bolt+ssc://neo4j:7687"),
    ],
)
def test_a_uri_never_routes(uri: str, used: str) -> None:
    assert direct(uri) == used
