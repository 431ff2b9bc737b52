"""What a plan means: does it scan, is it safe to run, is it another one than before."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.sources.neo4j_plan import Operator, Plan

_NAME = re.compile(r"[A-Za-z]{1,60}(\([A-Za-z]{1,20}\))?")
_MOST_ROWS = 1_000_000
_ACTING = ("LoadCSV", "Terminate", "Transaction", "RunQueryAt")
_READING = (
    "db.index.fulltext.queryNodes",
    "db.index.fulltext.queryRelationships",
    "db.index.vector.queryNodes",
    "db.index.vector.queryRelationships",
)
_CALL = re.compile(r"(?<![.:`])\bCALL\b\s*(?![\s({])([\w.]*)", re.IGNORECASE)
_LOAD = re.compile(r"(?<![.:`])\bLOAD\b(?=[\s/])", re.IGNORECASE)


def label(operator: Operator) -> str:
    """Return an operator's name as a label: a word of Neo4j's own, else `other`."""
    return operator.name if _NAME.fullmatch(operator.name) else "other"


def scans(operator: Operator) -> bool:
    """Tell whether it reads all of a label, a type, an index or the whole graph.

    The names say so in every version. A text index answers CONTAINS by seeking,
    although the operator is called a scan.
    """
    if operator.details.startswith("TEXT INDEX"):
        return False
    return operator.name.endswith("Scan") or operator.name.startswith("DynamicLabel")


def refusal(cypher: str, plan: Plan) -> str | None:
    """Say why a query must not be run, out of a closed set; None when it may.

    `query_type` is not enough: procedures with effects, LOAD CSV and even TERMINATE
    TRANSACTION are `r` as well, and read access mode lets them run. Nor are the
    operators: a CALL inside of an expression is none.
    """
    if plan.query_type != "r":
        return "refused_not_read"
    if _says_to_act(cypher) or any(_acts(operator) for operator in plan.operators):
        return "refused_side_effects"
    if any((one.estimated_rows or 0) > _MOST_ROWS for one in plan.operators):
        return "refused_rows"
    return None


def _says_to_act(cypher: str) -> bool:
    called = (name not in _READING for name in _CALL.findall(cypher))
    return bool(_LOAD.search(cypher)) or any(called)


def _acts(operator: Operator) -> bool:
    if operator.name == "ProcedureCall":
        return operator.details.partition("(")[0] not in _READING
    return operator.name.startswith(_ACTING)


def fingerprint(plan: Plan) -> str:
    """Return eight hex digits that stay the same as long as the plan does.

    Operators, their places in the tree, and which index they use; no estimates.
    """
    lines = [
        f"{one.depth} {one.name} {_index(one)}\n".encode() for one in plan.operators
    ]
    return sha256(b"".join(lines)).hexdigest()[:8]


def _index(operator: Operator) -> str:
    return operator.details.partition(" WHERE ")[0] if "Index" in operator.name else ""


def worst(plan: Plan) -> Operator | None:
    """Return the operator with the most database hits; before a run, by estimate."""
    return max(plan.operators, key=_weight, default=None)


def _weight(operator: Operator) -> tuple[float, float, int]:
    return (operator.db_hits or 0, operator.estimated_rows or 0, operator.depth)


def misjudged(plan: Plan) -> float | None:
    """Return how far the planner was off at its worst, as a factor from 1 on.

    None without a run. One row is added to both, so that nothing divides by 0.
    """
    factors = [
        max(expected + 1, one.rows + 1) / min(expected + 1, one.rows + 1)
        for one in plan.operators
        if one.rows is not None and (expected := one.estimated_rows) is not None
    ]
    return max(factors, default=None)
