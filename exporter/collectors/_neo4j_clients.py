"""Clients of Neo4j as labels, and the running numbers in what it calls things."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OURS = "kpi-exporter"
OTHER = "other"
MOST_AGENTS = 20

CLIENTS = """
CALL dbms.listConnections() YIELD connectionId, connector, userAgent
RETURN connectionId AS id, connector, userAgent AS agent"""

_AGENT = re.compile(r"([A-Za-z@][\w.@ -]{0,39})(?:/v?(\d{1,4}))?")
_NUMBERED = re.compile(r"([\w.-]+)-(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Client:
    """A connection, how it came in, and what its client calls itself."""

    id: str | None
    connector: str | None = None
    agent: str | None = None


def agent(text: str | None) -> str:
    """Return a client's name and major version, as `neo4j-python/6`; else `other`.

    Clients choose the text freely, and most add a patch version and their platform.
    """
    found = _AGENT.match(text or "")
    if found is None:
        return OTHER
    name = found[1].strip()
    return f"{name}/{found[2]}" if found[2] else name


def number(text: str | None, kind: str) -> int | None:
    """Return N of `<kind>-N`, which nobody documents; None for any other text."""
    found = _NUMBERED.fullmatch(text or "")
    return int(found[2]) if found and found[1] == kind else None


def highest(texts: Iterable[str | None], kind: str) -> int | None:
    """Return the highest of the numbers that can be read."""
    numbers = (number(text, kind) for text in texts)
    return max((one for one in numbers if one is not None), default=None)


@dataclass(slots=True)
class Foreign:
    """What others did, out of a running number of everybody's: ours is taken off.

    `total` never falls. A number below the one before is that of a new start.
    """

    total: float = 0.0
    _before: tuple[int, int] | None = None

    def count(self, everybody: int, ours: int) -> float:
        """Take in the number now and how many of ours are in it; returns the total."""
        if self._before is not None:
            number, sent = self._before
            grown = everybody - number if everybody >= number else everybody
            self.total += max(0, grown - (ours - sent))
        self._before = (everybody, ours)
        return self.total
