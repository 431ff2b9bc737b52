"""Review of Cypher at a real Neo4j: by EXPLAIN alone, nothing is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.review.answer import review
from exporter.review.shape import Asked, Dialect, Refusal, ReviewError
from tests.integration.neo4j_fixtures import ask, target

if TYPE_CHECKING:
    from exporter.config import Neo4jTarget
    from exporter.demo.servers.neo4j import Neo4jServer

FILL = "UNWIND range(1, 2000) AS i CREATE (:User {name: 'u' + i, team: i % 50})"


def graph(server: Neo4jServer) -> Neo4jTarget:
    made = target(server)
    made.name_it("graph")
    return made


async def reviewed(server: Neo4jServer, text: str, **asked: Any) -> dict[str, Any]:
    answer = await review(Asked(text, target="graph", **asked), graph(server))
    assert (answer["dialect"], answer["executed"]) == ("cypher", False)
    (found,) = answer["statements"]
    assert isinstance(found, dict)
    return found


async def test_a_scan_is_found_with_the_index_that_spares_it(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    text = "MATCH (n:User) WHERE n.name = 'alice' RETURN n"
    found = await reviewed(neo4j_server, text)
    assert [one["rule"] for one in found["findings"]] == ["scan"]
    assert "alice" not in str(found)
    (index,) = found["plan"]["indexes"]
    assert index["statement"] == "CREATE INDEX FOR (n:`User`) ON (n.`name`)"
    assert index["proof"] == "estimate"
    assert "not proved" in index["why"]

    ask(neo4j_server, index["statement"])
    ask(neo4j_server, "CALL db.awaitIndexes(60)")
    after = await reviewed(neo4j_server, text)
    assert after["findings"] == []
    assert after["plan"]["sequential_scans"] == 0
    assert any("Seek" in node["name"] for node in after["plan"]["nodes"])


async def test_a_rewrite_is_proved_by_explain(neo4j_server: Neo4jServer) -> None:
    ask(neo4j_server, FILL)
    ask(neo4j_server, "CREATE INDEX FOR (n:User) ON (n.name, n.team)")
    ask(neo4j_server, "CALL db.awaitIndexes(60)")
    text = "MATCH (n:User) WHERE n.name = 'u7' RETURN n.team AS team"
    found = await reviewed(neo4j_server, text, literals=True)
    (rewrite,) = found["rewrites"]
    assert rewrite["proof"] == "EXPLAIN: it seeks"
    assert ask(neo4j_server, rewrite["text"]) == ask(neo4j_server, text)


async def test_patterns_that_nothing_connects_are_found(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    text = "MATCH (a:User), (b:User) WHERE a.team < b.team RETURN a, b"
    rules = {one["rule"] for one in (await reviewed(neo4j_server, text))["findings"]}
    assert rules == {"cartesian_join", "scan", "missing_limit"}


async def test_parameters_need_no_values(neo4j_server: Neo4jServer) -> None:
    found = await reviewed(neo4j_server, "MATCH (n:User {name: $who}) RETURN n LIMIT 5")
    assert found["plan"]["nodes"]


async def test_what_the_server_does_not_understand_is_refused_in_a_word(
    neo4j_server: Neo4jServer,
) -> None:
    found = await reviewed(neo4j_server, "MATCH (n:User {name: 'alice'} RETURN n")
    assert found["plan"] == {"refused": "query"}
    assert "alice" not in str(found)


HARMFUL = (
    "CREATE (:Stolen)",
    "MATCH (n) DETACH DELETE n",
    "MATCH (n) SET n.stolen = true",
    "MATCH (n:User) CALL { CREATE (:Stolen) } RETURN 1",
    "LOAD CSV FROM 'file:///x' AS row RETURN row",
    "CALL db.createLabel('Stolen')",
    "CALL dbms.setConfigValue('a', 'b')",
    "PROFILE MATCH (n) RETURN n",
    "CREATE INDEX FOR (n:Stolen) ON (n.a)",
    "TERMINATE TRANSACTION 'neo4j-transaction-1'",
    "MATCH (n) RETURN n; CREATE (:Stolen)",
    "MATCH (n) RETURN n /* ; */ \\u0043REATE (:Stolen)",
)


async def test_nothing_hostile_is_executed(neo4j_server: Neo4jServer) -> None:
    ask(neo4j_server, FILL)
    for text in HARMFUL:
        with pytest.raises(ReviewError) as caught:
            await reviewed(neo4j_server, text)
        assert caught.value.kind is Refusal.NO_QUERY
    counted = "MATCH (n) RETURN labels(n) AS labels, count(*) AS count"
    assert ask(neo4j_server, counted) == [{"labels": ["User"], "count": 2000}]
    assert ask(neo4j_server, "MATCH (n) WHERE n.stolen RETURN n") == []


async def test_explain_runs_nothing_even_of_what_writes(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    ask(neo4j_server, "EXPLAIN MATCH (n) DETACH DELETE n")
    assert ask(neo4j_server, "MATCH (n) RETURN count(n) AS n") == [{"n": 2000}]


async def test_a_target_of_neo4j_speaks_cypher_alone(neo4j_server: Neo4jServer) -> None:
    with pytest.raises(ReviewError, match="does not plan such a text"):
        await reviewed(neo4j_server, "select 1", dialect=Dialect.POSTGRES)


async def test_a_server_that_is_away_is_named() -> None:
    made = graph_away()
    with pytest.raises(ReviewError, match="graph does not plan: connect") as caught:
        await review(Asked("MATCH (n) RETURN n", target="graph"), made)
    assert caught.value.kind is Refusal.BUSY


def graph_away() -> Neo4jTarget:
    from exporter.config import Neo4jTarget as Target

    made = Target.model_validate({"uri": "bolt://127.0.0.1:1", "timeout": "2s"})
    made.name_it("graph")
    return made
