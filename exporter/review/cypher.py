"""Reviews a Cypher query by its plan: EXPLAIN alone, which does not run it."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._neo4j_advice import rewrites, wanted
from exporter.collectors._neo4j_advice import statement as index_statement
from exporter.collectors._neo4j_index import Covers
from exporter.collectors._neo4j_plan import scans
from exporter.collectors._neo4j_text import redacted
from exporter.collectors.neo4j_plans import INDEXES
from exporter.review.shape import MOST_CHARACTERS_PLANNED, Refusal, ReviewError
from exporter.sources.neo4j_plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.review.shape import Answer, Asked
    from exporter.sources.neo4j import Neo4jSource
    from exporter.sources.neo4j_plan import Operator

_PARTS = re.compile(
    r"(?P<hidden>`(?:[^`]|``)*`|//[^\n]*|/\*.*?\*/"
    r"|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")|(?P<open>`|/\*|'|\")",
    re.DOTALL,
)
_BEGINS = re.compile(
    r"\s*(?:CYPHER\s+(?:5|25)\s+)?(MATCH|OPTIONAL\s+MATCH|UNWIND|WITH|RETURN)\b",
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"(?<![.\w:$])(CREATE|MERGE|DELETE|SET|REMOVE|DROP|ALTER|FOREACH|LOAD|INSERT"
    r"|CALL(?!\s*[({])|PROFILE|EXPLAIN|USE|TERMINATE)\b(?!\s*:)",
    re.IGNORECASE,
)
_DEEPEST = 100
_PARAMETER = re.compile(r"\$(`(?:[^`]|``)+`|\w+)")
_MANY = 1000.0


class _Kind(NamedTuple):
    """What an operator of a plan means: a rule, its severity, why, what to do."""

    rule: str
    severity: str
    why: str
    fix: str


_OPERATORS = {
    "CartesianProduct": _Kind(
        "cartesian_join",
        "warning",
        "patterns that nothing connects: every row of one is paired with every row of "
        "the other",
        "connect them by a relationship, or by WHERE on properties of both",
    ),
    "Eager": _Kind(
        "eager",
        "info",
        "all rows are gathered in memory before the next step",
        "split the query, or read before it changes",
    ),
}
_SCAN = _Kind("scan", "warning", "reads all of a label, a type or the graph", "")
_LIMIT = _Kind(
    "missing_limit",
    "info",
    "nothing bounds the rows of the result, which grow with the graph",
    "add ORDER BY and LIMIT",
)


def readable(text: str) -> str:
    """Return a query without its `;`, or raise ReviewError where it is none that reads.

    The server would plan any of them without running it; what is not surely one query
    that only reads is not even sent.
    """
    bare = _PARTS.sub(lambda found: " " if found["hidden"] else "\0", text)
    query = text.rstrip().removesuffix(";")
    if len(text) > MOST_CHARACTERS_PLANNED:
        what = f"the query has more than {MOST_CHARACTERS_PLANNED} characters"
        raise ReviewError(Refusal.TOO_LARGE, what)
    if _depth(bare) > _DEEPEST:
        raise ReviewError(Refusal.TOO_COSTLY, "the query is nested too deeply")
    if "\\u" in text.lower():
        raise ReviewError(Refusal.NO_QUERY, "escapes by number are not reviewed")
    if "\0" in bare:
        raise ReviewError(Refusal.UNREADABLE, "a quote or comment does not end")
    if ";" in bare.rstrip().removesuffix(";"):
        raise ReviewError(Refusal.NO_QUERY, "give one query, without ; in it")
    if found := _ACTS.search(bare):
        what = f"{found[1].upper()} is not reviewed: only queries that read are"
        raise ReviewError(Refusal.NO_QUERY, what)
    if not _BEGINS.match(bare):
        what = "a query begins with MATCH, OPTIONAL MATCH, UNWIND, WITH or RETURN"
        raise ReviewError(Refusal.NO_QUERY, what)
    return query


def _depth(bare: str) -> int:
    """Return how deep brackets are nested at the most."""
    depths = accumulate((one in "([{") - (one in ")]}") for one in bare)
    return max(depths, default=0)


async def review(source: Neo4jSource, asked: Asked) -> Answer:
    """Explain a query and say what its plan means; to be run by the source.

    Raises SourceError only where the server did not answer.
    """
    query = readable(asked.text)
    named = {found.strip("`"): None for found in _PARAMETER.findall(query)}
    plan = await source.explain(query, named)
    shown = query if asked.literals else redacted(query)
    answer: Answer = {"statement": 1, "kind": "query", "text": shown, "findings": []}
    if not isinstance(plan, Plan):
        return answer | {"plan": {"refused": str(plan.reason)}, "rewrites": []}
    if plan.query_type != "r":
        raise ReviewError(Refusal.NO_QUERY, "only queries that read are reviewed")
    answer["findings"] = list(_findings(plan))
    answer["plan"] = _shown(plan)
    answer["rewrites"] = await _rewrites(source, (query, plan), asked)
    return answer


def _findings(plan: Plan) -> Iterator[Answer]:
    """Yield what the operators mean; a plan does not say where in the text it is."""
    for operator in plan.operators:
        if scans(operator):
            yield _finding(_SCAN, operator)
        elif kind := _OPERATORS.get(operator.name):
            yield _finding(kind, operator)
    names = {one.name for one in plan.operators}
    rows = plan.operators[0].estimated_rows if plan.operators else None
    if (rows or 0) > _MANY and not names & {"Limit", "Top", "EagerAggregation"}:
        yield _finding(_LIMIT, plan.operators[0])


def _finding(kind: _Kind, operator: Operator) -> Answer:
    fix = kind.fix or index_statement(Plan((operator,), "r"))
    return {
        "rule": kind.rule,
        "severity": kind.severity,
        "line": None,
        "column": None,
        "why": f"{operator.name}: {kind.why}",
        "fix": fix,
    }


def _shown(plan: Plan) -> Answer:
    made = index_statement(plan) if any(map(scans, plan.operators)) else ""
    known = [made] if wanted(plan) else []
    return {
        "cost": None,
        "rows": plan.operators[0].estimated_rows if plan.operators else None,
        "sequential_scans": sum(map(scans, plan.operators)),
        "dearest": None,
        "nodes": [
            {"depth": one.depth, "cost": one.estimated_rows, "name": one.name}
            for one in plan.operators
        ],
        "indexes": [
            {
                "statement": one,
                "proof": "estimate",
                "why": "the plan scans for what this index holds; Neo4j has no "
                "hypothetical indexes, so that this is not proved",
            }
            for one in known
        ],
    }


async def _rewrites(
    source: Neo4jSource, given: tuple[str, Plan], asked: Asked
) -> list[Answer]:
    """Try by EXPLAIN which further predicate makes an index serve that is there."""
    query, plan = given
    found: list[Answer] = []
    if not any(map(scans, plan.operators)):
        return found
    indexes = await source.fetch(Covers, INDEXES)
    for one in rewrites(query, plan, indexes):
        named = {name.strip("`"): None for name in _PARAMETER.findall(query)}
        other = await source.explain(one.cypher, named)
        if isinstance(other, Plan) and not any(map(scans, other.operators)):
            found.append(
                {
                    "rule": "scan",
                    "text": one.cypher if asked.literals else redacted(one.cypher),
                    "when": f"where all nodes have what {one.predicate} asks for",
                    "proof": "EXPLAIN: it seeks",
                }
            )
    return found
