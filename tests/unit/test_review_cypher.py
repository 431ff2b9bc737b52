"""Which Cypher is surely one query that only reads, and goes to EXPLAIN."""

from __future__ import annotations

import pytest

from exporter.review.cypher import readable
from exporter.review.shape import Refusal, ReviewError


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (n:User {name: $name}) RETURN n",
        "// who\n/* deletes nothing */ MATCH (n) WHERE n.set = 'DELETE n' RETURN n;",
        "optional match (n)-[:CREATE]->(m) return n.delete, m",
        "MATCH (n:`DELETE (x`) RETURN {set: n.a, merge: 1} AS `CALL x()`",
        "UNWIND $xs AS x MATCH (n {id: x}) WITH n ORDER BY n.a LIMIT 5 RETURN n",
        "MATCH (n) CALL { WITH n MATCH (n)--(m) RETURN count(m) AS c } RETURN n, c",
        "CYPHER 5 MATCH (n) RETURN n",
        "RETURN 1",
    ],
)
def test_queries_that_read_pass(text: str) -> None:
    assert readable(text) == text.removesuffix(";")


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (n)",
        "MATCH (n) DELETE n",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n)\nSET n.a = 1",
        "MATCH (n)/**/SET/**/n.a = 1",
        "MATCH (n) REMOVE n.a",
        "MATCH (n) MERGE (m)",
        "MATCH (n) FOREACH (x IN [1] | CREATE (m))",
        "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
        "MATCH (n) LOAD CSV FROM 'http://x' AS row RETURN row",
        "CALL dbms.shutdown()",
        "MATCH (n) CALL apoc.cypher.doIt('x', {}) YIELD value RETURN value",
        "MATCH (n) CALL { WITH n DELETE n } IN TRANSACTIONS",
        "PROFILE MATCH (n) RETURN n",
        "EXPLAIN MATCH (n) RETURN n",
        "CYPHER 5 PROFILE MATCH (n) RETURN n",
        "CYPHER runtime=slotted MATCH (n) RETURN n",
        "DROP INDEX a",
        "CREATE USER a SET PASSWORD 'b'",
        "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
        "TERMINATE TRANSACTION 'x'",
        "SHOW USERS",
        "STOP DATABASE neo4j",
        "USE system MATCH (n) RETURN n",
        "MATCH (n) RETURN n; MATCH (m) DELETE m",
        "MATCH (n) RETURN n;;",
        "MATCH (n) \\u0044ELETE n",
        "MATCH (n) WHERE n.a = 'x\\u0027 RETURN n",
        "",
        "select 1",
    ],
)
def test_what_is_not_surely_a_query_that_reads_is_refused(text: str) -> None:
    with pytest.raises(ReviewError) as caught:
        readable(text)
    assert caught.value.kind is Refusal.NO_QUERY


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MATCH (n) WHERE n.a = 'alice RETURN n", Refusal.UNREADABLE),
        ("MATCH (n) /* alice", Refusal.UNREADABLE),
        ("RETURN " + "[" * 101 + "]" * 101, Refusal.TOO_COSTLY),
        ("RETURN " + "1 + " * 6000 + "1", Refusal.TOO_LARGE),
    ],
)
def test_what_is_too_much_or_does_not_end_is_refused(text: str, kind: Refusal) -> None:
    with pytest.raises(ReviewError) as caught:
        readable(text)
    assert caught.value.kind is kind
    assert "alice" not in str(caught.value)
