"""The index that is advised turns the scan into a seek: EXPLAIN says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors import neo4j_plans
from exporter.collectors._neo4j_advice import remedy, statement
from exporter.collectors._neo4j_plan import scans
from exporter.sources.neo4j_plan import Plan
from tests.integration.neo4j_fixtures import DEADLINE, ask, reading

if TYPE_CHECKING:
    from exporter.demo.servers.neo4j import Neo4jServer
    from exporter.sources.neo4j import Neo4jSource

FILL = """
UNWIND range(1, 2000) AS i
CREATE (:X {a: i, b: i % 100, c: i, s: 's' + i})-[:R {w: i}]->(:Y {k: i})"""
SERVED = {
    "MATCH (e:X {a: 'q', b: 2}) RETURN e": "an index on X(a, b)",
    "MATCH (e:X) WHERE e.a = $x AND e.c >= $y AND e.c < $z RETURN e": (
        "an index on X(a, c)"
    ),
    "MATCH (e:X) WHERE e.a = $x OR e.b = $y RETURN e": "indexes on X(b) and X(a)",
    "MATCH (e:X) WHERE (e.a = $x OR e.b = $y) AND e.c = $z RETURN e": (
        "an index on X(c)"
    ),
    "MATCH (e:X) WHERE e.s STARTS WITH $x RETURN e": "an index on X(s)",
    "MATCH (e:X) WHERE e.s CONTAINS $x RETURN e": "an index on X(s) as text",
    "UNWIND $xs AS x MATCH (e:X {a: x}) RETURN e": "an index on X(a)",
    "MATCH ()-[r:R]->() WHERE r.w = $x RETURN r": "an index on R(w)",
    "MATCH (e:X|Y) WHERE e.a = $x RETURN e": "indexes on X(a) and Y(a)",
    "MATCH (f:Y {k: 3}) OPTIONAL MATCH (e:X {a: f.k}) RETURN e": (
        "indexes on Y(k) and X(a)"
    ),
}
UNSERVED = {
    "MATCH (e:X) WHERE e.a <> $x RETURN e": "as it is written",
    "MATCH (e:X), (f:Y) WHERE e.a = f.k RETURN e, f": "as it is written",
    "MATCH (n) WHERE n.a = $x RETURN n": "name the label",
}
VALUES = dict.fromkeys(("x", "y", "z"), "1") | {"xs": [1, 2]}


async def explained(source: Neo4jSource, cypher: str) -> Plan:
    found = await source.run(lambda s: s.explain(cypher, VALUES), DEADLINE)
    assert isinstance(found, Plan), found
    return found


async def served(server: Neo4jServer, source: Neo4jSource, cypher: str) -> bool:
    """Do as advised and tell whether the scan is gone; undo it."""
    advice = statement(await explained(source, cypher)).split("; ")
    for number, one in enumerate(advice):
        ask(server, one.replace("INDEX", f"INDEX advised_{number}", 1))
        ask(server, f"CALL db.awaitIndex('advised_{number}', 60)")
    after = await explained(source, cypher)
    for number, _ in enumerate(advice):
        ask(server, f"DROP INDEX advised_{number}")
    return not any(map(scans, after.operators))


async def test_every_index_that_is_advised_spares_the_scan(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        plans = {cypher: await explained(source, cypher) for cypher in SERVED}
        assert all(any(map(scans, one.operators)) for one in plans.values())
        assert {cypher: remedy(one) for cypher, one in plans.items()} == SERVED
        found = {one: await served(neo4j_server, source, one) for one in SERVED}
    assert found == dict.fromkeys(SERVED, True)


async def test_where_no_index_can_serve_none_is_advised(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    async with reading(neo4j_server) as source:
        await source.connect(DEADLINE)
        for cypher, why in UNSERVED.items():
            found = await explained(source, cypher)
            assert any(map(scans, found.operators))
            assert why in statement(found)
            assert remedy(found) == ""


async def test_the_remedy_stands_beside_the_query_that_scans(
    neo4j_server: Neo4jServer,
) -> None:
    ask(neo4j_server, FILL)
    query = {
        "name": "q",
        "cypher": "MATCH (e:X {a: $x}) RETURN e",
        "parameters": VALUES,
    }
    async with reading(neo4j_server, queries=[query]) as source:
        await source.connect(DEADLINE)
        rows = await source.run(neo4j_plans.read, DEADLINE)
    made = [
        one for one in neo4j_plans.samples(rows, {}) if one.metric.name.endswith("info")
    ]
    assert [one.labels[3] for one in made] == ["an index on X(a)"]
