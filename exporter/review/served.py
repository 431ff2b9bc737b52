"""Which expressions an index of the target serves already, by a plan; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_TYPE = re.compile(
    r"::(?:(?:timestamp|time)(?:\(\d\))? with(?:out)? time zone|double precision"
    r"|(?:character|bit) varying|\"[^\"]*\"|[\w.]+)(?:\([\d,]+\))?(?:\[\])*"
)
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|(?:\"(?:[^\"]|\"\")*\"|\w+)(?P<owner>\.)?|[-+*/<>=~!@#%^&|?]+"
)
_ELSEWHERE = ("Filter", "Join Filter", "Hash Cond", "Merge Cond")
_PATTERN = ("~~", "~")  # an index gives their range; the rows in it are looked at too


def served(root: Mapping[str, Any], expressions: Iterable[str]) -> list[str]:
    """Return the expressions that stand in the condition of an index scan alone.

    They are SQL without casts; a table's name in one has to be that of the scan.
    """
    nodes = list(_nodes(root, ""))
    return [one for one in expressions if one and _is_served(nodes, one)]


def _nodes(
    node: Mapping[str, Any], alias: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield nodes with the alias of what they read; a bitmap's is that above it."""
    alias = node.get("Alias", alias)
    yield alias, node
    for below in node.get("Plans", ()):
        yield from _nodes(below, alias)


def _is_served(nodes: Sequence[tuple[str, Mapping[str, Any]]], expression: str) -> bool:
    owners, wanted = _owners(expression), _tokens(expression, owned=False)
    indexed = any(
        _places(_tokens(node.get("Index Cond", ""), owned=True), wanted)
        for alias, node in nodes
        if owners <= {alias.lower()}
    )
    return indexed and not any(
        following not in _PATTERN
        for _, node in nodes
        for kind in _ELSEWHERE
        for following in _places(_tokens(node.get(kind, ""), owned=False), wanted)
    )


def _owners(expression: str) -> set[str]:
    found = _TOKEN.finditer(expression)
    return {one[0][:-1].strip('"').lower() for one in found if one["owner"]}


def _tokens(text: str, *, owned: bool) -> list[str]:
    """Split into words and operators, without parentheses and casts, in lower case.

    `owned` keeps the names of tables before columns.
    """
    found = _TOKEN.finditer(_TYPE.sub("", text))
    return [one[0].strip('"').lower() for one in found if owned or not one["owner"]]


def _places(tokens: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return what follows each place where the wanted tokens stand."""
    size = len(wanted)
    return [
        tokens[place + size] if place + size < len(tokens) else ""
        for place in range(len(tokens) - size + 1)
        if tokens[place : place + size] == wanted
    ]
