"""Cypher without its literals: what a reader may see of other people's queries."""

from __future__ import annotations

import re

_LONGEST = 1000

# Names in backticks stay, comments go; a text that is cut may end inside a literal.
_PARTS = re.compile(
    r"(?P<name>`(?:[^`]|``)*(?:`|$))"
    r"|(?P<comment>//[^\n]*|/\*.*?(?:\*/|$))"
    r"|(?P<text>'(?:\\.|[^'\\])*(?:'|\\?$)|\"(?:\\.|[^\"\\])*(?:\"|\\?$))"
    r"|(?P<number>(?<![\w$`])-?(?:0x[0-9a-f]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?))",
    re.IGNORECASE | re.DOTALL,
)


def redacted(cypher: str | None) -> str:
    """Return a query on one line, each literal a `?`, at most 1,000 characters."""
    text = " ".join(_PARTS.sub(_instead, cypher or "").split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _instead(found: re.Match[str]) -> str:
    if found["name"]:
        return found["name"]
    return " " if found["comment"] else "?"
