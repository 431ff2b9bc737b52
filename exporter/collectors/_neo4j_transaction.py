"""A transaction of Neo4j as SHOW TRANSACTIONS has it, its state, and whom it awaits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors._neo4j_clients import OTHER, OURS
from exporter.collectors._neo4j_text import redacted
from exporter.evidence import Evidence
from exporter.sources.neo4j_show import Made, Show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MARKED = f"coalesce(metaData.app, '') = '{OURS}'"
TRANSACTIONS = Show(
    "SHOW TRANSACTIONS",
    {
        "database": "database",
        "id": "transactionId",
        "query": "currentQueryId",
        "connection": "connectionId",
        "ours": Made("metaData", _MARKED),
        "status": "status",
        "age": "elapsedTime",
        "waited": "waitTime",
        # Without activeLockCount, which takes Neo4j as long as all others together.
        "memory": "estimatedUsedHeapMemory",
        "hits": "pageHits",
        "faults": "pageFaults",
        # Only of those that are worth a look: texts can be long.
        "text": Made(
            "currentQuery",
            "CASE WHEN elapsedTime.milliseconds >= 1000 THEN left(currentQuery, 2000) "
            "END",
        ),
    },
)
# Every database numbers its own: one of ours in it tells how far it is.
OWN = TRANSACTIONS._replace(only=_MARKED, asks=("metaData",))
STATES = ("running", "idle", "blocked", "closing", "terminated", "other")
_BLOCKED_BY = re.compile(r"[\w.-]+-transaction-\d+")
_KPIS = ("neo4j_lock_waiters", "neo4j_idle_transaction", "neo4j_long_transaction")
_TITLE = "Transactions, and below each who waits for it"
_COLUMNS = (
    *("transaction", "agent", "database", "state", "age_seconds", "waits_seconds"),
    "statement",
)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One that runs now; times in seconds."""

    database: str
    id: str
    query: str | None = None
    connection: str | None = None
    ours: bool | None = None
    status: str | None = None
    age: float | None = None
    waited: float | None = None
    memory: int | None = None
    hits: int | None = None
    faults: int | None = None
    text: str | None = None

    @property
    def state(self) -> str:
        """Return its state out of STATES."""
        state = (self.status or "").partition(" ")[0].rstrip(":").lower()
        if state == "running" and not self.query:
            return "idle"
        return state if state in STATES else OTHER

    @property
    def blockers(self) -> list[str]:
        """Return the ids of those whose locks it waits for."""
        return _BLOCKED_BY.findall(self.status or "")


def table(
    rows: Sequence[Transaction], agents: Mapping[str | None, str | None]
) -> Evidence:
    """Return the older ones as trees: who waits stands below whom it waits for."""
    shown = [row for row in rows if (row.age or 0.0) >= 1]
    known = {row.id for row in shown}
    below: dict[str, list[Transaction]] = {}
    tops: list[Transaction] = []
    for row in sorted(shown, key=lambda row: -(row.age or 0.0)):
        above = next((id_ for id_ in row.blockers if id_ in known), None)
        (tops if above in (None, row.id) else below.setdefault(above, [])).append(row)
    ordered = [found for top in tops for found in _tree(top, below)]
    cells = tuple(
        (
            row.id,
            agents.get(row.connection),
            row.database,
            row.state,
            row.age,
            row.waited if row.blockers else None,
            redacted(row.text),
        )
        for row, _ in ordered
    )
    return Evidence(_KPIS, _TITLE, _COLUMNS, cells, tuple(d for _, d in ordered))


def _tree(
    top: Transaction, below: dict[str, list[Transaction]]
) -> Iterator[tuple[Transaction, int]]:
    waiting = [(top, 0)]
    while waiting:
        row, depth = waiting.pop()
        yield row, depth
        # Each is taken once, so that two that wait for each other make no circle.
        waiting += [(one, depth + 1) for one in reversed(below.pop(row.id, []))]
