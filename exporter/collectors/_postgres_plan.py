"""What a plan of PostgreSQL says: its shape as a hash, its dearest node, what it scans.

Only node types and names of relations and indexes are looked at: conditions may hold
literals, and estimates change with every row.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"\s+|--[^\n]*\n|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"(?i)(select|with|table|values)\b")
_QUOTED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL
)
_WRITES = re.compile(r"(?i)\b(insert|update|delete|merge|into)\b")
_PARAMETER = re.compile(r"\$(\d+)")
_MOST_LABEL = 120
_MOST_NODES = 40


class Node(NamedTuple):
    """A node of a plan: its depth, its cost with all that is below it, its name."""

    depth: int
    cost: float
    name: str


class Plan(NamedTuple):
    """One plan: hash, dearest node in words, cost, full scans, and its nodes."""

    plan_hash: str
    worst: str
    cost: float
    scans: int
    nodes: tuple[Node, ...] = ()


def may_be_planned(text: str) -> bool:
    """Tell whether a text is surely one query that only reads."""
    place = 0
    while found := _COMMENT.match(text, place):
        place = found.end()
    bare = _QUOTED.sub("''", text[place:])
    one = ";" not in bare.rstrip().removesuffix(";")
    return bool(one and _READS.match(bare) and not _WRITES.search(bare))


def parameters(text: str) -> int:
    """Return how many parameters a normalised text has."""
    bare = _QUOTED.sub("''", text)
    return max((int(number) for number in _PARAMETER.findall(bare)), default=0)


def plan_of(document: Any) -> Plan:
    """Read what EXPLAIN (FORMAT JSON) gave."""
    root = document[0]["Plan"]
    nodes = list(_nodes(root, 0))
    lines = [f"{depth} {_name(node)}\n".encode() for depth, node in nodes]
    _, worst = max(nodes, key=lambda found: _own_cost(found[1]))
    return Plan(
        sha256(b"".join(lines)).hexdigest()[:8],
        _name(worst)[:_MOST_LABEL],
        float(root["Total Cost"]),
        sum(node["Node Type"] == "Seq Scan" for _, node in nodes),
        tuple(
            Node(depth, float(node["Total Cost"]), _name(node)[:_MOST_LABEL])
            for depth, node in nodes[:_MOST_NODES]
        ),
    )


def _nodes(node: dict[str, Any], depth: int) -> Iterator[tuple[int, dict[str, Any]]]:
    yield depth, node
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _name(node: dict[str, Any]) -> str:
    """Name a node with what it reads, as EXPLAIN's text does."""
    words = [node.get("Join Type", ""), node["Node Type"]]
    if index := node.get("Index Name"):
        words += ["using", index]
    if relation := node.get("Relation Name"):
        words += ["on", relation]
    return " ".join(filter(None, words))


def _own_cost(node: dict[str, Any]) -> float:
    below = sum(child["Total Cost"] for child in node.get("Plans", ()))
    return float(node["Total Cost"] - below)
