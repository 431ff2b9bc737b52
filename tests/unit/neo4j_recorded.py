"""Plans and rows as Neo4j servers gave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exporter.sources.neo4j_plan import Plan, parse

_FOLDER = Path(__file__).parents[1] / "data" / "neo4j"
RECORDED: dict[str, dict[str, Any]] = json.loads(
    (_FOLDER / "plans-5.26.json").read_text("utf-8")
)


def plan(name: str, seconds: float = 0.0) -> Plan:
    """Return a plan of Neo4j Community 5.26.31."""
    recorded = RECORDED[name]
    return Plan(parse(recorded["plan"]), recorded["query_type"], seconds)


def cypher(name: str) -> str:
    """Return the query of a recorded plan, without EXPLAIN or PROFILE."""
    return str(RECORDED[name]["query"].partition(" ")[2])
