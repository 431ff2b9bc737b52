"""A query plan of Neo4j, flattened into typed operators; knows no connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.errors import Reason


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of a plan; `rows` and `db_hits` are known after PROFILE alone.

    `details` holds text of the query: it is for deciding, never for a label.
    """

    name: str
    depth: int
    details: str = ""
    estimated_rows: float | None = None
    rows: int | None = None
    db_hits: int | None = None


class Pages(NamedTuple):
    """Pages of the store that a run found in memory, and those read from disk."""

    hits: int | None
    faults: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan from its root down; `query_type` is `r`, `rw`, `w` or `s`.

    `seconds` is the wall time of the run, its rows received, if there was one; `pages`
    are the run's, where the server counts them.
    """

    operators: tuple[Operator, ...]
    query_type: str | None
    seconds: float = 0.0
    pages: Pages | None = None


class Refusal(NamedTuple):
    """Why one query gave no plan although the server answered, and after how long."""

    reason: Reason
    message: str
    seconds: float = 0.0


def parse(raw: Mapping[str, Any]) -> tuple[Operator, ...]:
    """Flatten a plan tree, parents before children, the left child first.

    Leaves have no `children` in 5.x and an empty list in 4.x; names carry `@database`.
    """
    operators: list[Operator] = []
    pending = [(raw, 0)]
    while pending:
        node, depth = pending.pop()
        operators.append(_operator(node, depth))
        children = node.get("children") or ()
        pending.extend((child, depth + 1) for child in reversed(children))
    return tuple(operators)


def _operator(node: Mapping[str, Any], depth: int) -> Operator:
    arguments = node.get("args") or {}
    return Operator(
        name=node["operatorType"].partition("@")[0],
        depth=depth,
        details=arguments.get("Details") or "",
        estimated_rows=arguments.get("EstimatedRows"),
        rows=node.get("rows"),
        db_hits=node.get("dbHits"),
    )
