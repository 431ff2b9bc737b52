"""What the store has of incidents: lists, one of them, its evidence, those near it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from exporter.sidecar.incidents.incident import Cause, Evidence, Incident
from exporter.sidecar.incidents.pack import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from sqlite3 import Connection, Row

NEAR = 600.0
"""Seconds within which other alerts are near one."""
_MOST_NEAR = 30
_COLUMNS = "seq, id, labels, annotations, opened, closed, frozen, evidence, causes"


class About(NamedTuple):
    """What incidents share evidence by: the same promise to the same one."""

    scope: str
    who: str
    kpi: str


class Waiting(NamedTuple):
    """Incidents that wait for evidence: whom about, how urgent, and since when.

    `received` and `opened` are those of the first, in Unix seconds.
    """

    about: About
    severity: str
    received: float
    opened: float


class Listed(NamedTuple):
    """A part of a list, the newest first, and how many there are in all."""

    total: int
    incidents: list[Incident]


def listed(connection: Connection, since: float, limit: int, offset: int) -> Listed:
    """List incidents that were open at some time after `since` (Unix seconds)."""
    where = "WHERE opened >= ? OR closed IS NULL OR closed >= ?"
    total = connection.execute(
        f"SELECT count(*) FROM incidents {where}",  # noqa: S608 - a constant
        (since, since),
    ).fetchone()[0]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents {where}"  # noqa: S608 - constants
        " ORDER BY opened DESC, seq DESC LIMIT ? OFFSET ?",
        (since, since, limit, offset),
    )
    return Listed(total, [incident(row) for row in rows])


def one(connection: Connection, name: str) -> Incident | None:
    """Return an incident by its id, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE id = ?",  # noqa: S608 - a constant
        (name,),
    ).fetchone()
    return incident(row) if row else None


def near(connection: Connection, names: Sequence[str], moment: float) -> list[Incident]:
    """Return what else began around a moment at these names, one of each promise."""
    marks = ",".join("?" * len(names))
    rows = connection.execute(
        f"SELECT {_COLUMNS}, min(opened) FROM incidents"  # noqa: S608 - marks alone
        f" WHERE who IN ({marks}) AND opened BETWEEN ? AND ?"
        " GROUP BY alert, who ORDER BY min(opened) LIMIT ?",
        (*names, moment - NEAR, moment + NEAR, _MOST_NEAR),
    )
    return [incident(row) for row in rows]


def evidence_of(connection: Connection, number: int | None) -> Evidence | None:
    """Return frozen evidence, or None when there is none."""
    row = connection.execute(
        "SELECT body FROM evidence WHERE number = ?", (number,)
    ).fetchone()
    return unpacked(row["body"]) if row else None


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """Return who waits for evidence: critical ones first, then who waits longest."""
    rows = connection.execute(
        "SELECT scope, who, kpi, severity, received, opened, min(seq) AS first"
        " FROM incidents WHERE frozen = 0 GROUP BY scope, who, kpi"
        " ORDER BY max(severity = 'critical') DESC, first LIMIT ?",
        (limit,),
    )
    return [
        Waiting(
            About(row["scope"], row["who"], row["kpi"]),
            *(row["severity"], row["received"], row["opened"]),
        )
        for row in rows
    ]


def recent(
    connection: Connection, about: About, moment: float, window: float
) -> int | None:
    """Return evidence of the same, from within so many seconds of a moment, or None."""
    row = connection.execute(
        "SELECT number FROM evidence WHERE scope = ? AND who = ? AND kpi = ?"
        " AND at BETWEEN ? AND ? ORDER BY number DESC LIMIT 1",
        (*about, moment - window, moment + window),
    ).fetchone()
    return int(row["number"]) if row else None


def keep(connection: Connection, about: About, evidence: Evidence) -> int:
    """Put evidence into the store; returns its number."""
    cursor = connection.execute(
        "INSERT INTO evidence (scope, who, kpi, at, body) VALUES (?, ?, ?, ?, ?)",
        (*about, evidence.at, packed(evidence)),
    )
    return cursor.lastrowid or 0


def unfrozen(
    connection: Connection, about: About, until: float, limit: int
) -> list[Incident]:
    """Return some that wait for the same evidence and were received by `until`."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE frozen = 0"  # noqa: S608 - a constant
        " AND scope = ? AND who = ? AND kpi = ? AND received <= ?"
        " ORDER BY seq LIMIT ?",
        (*about, until, limit),
    )
    return [incident(row) for row in rows]


def latest(connection: Connection, limit: int) -> list[Incident]:
    """Return those near the newest that were looked at already, the newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE frozen = 1"  # noqa: S608 - a constant
        " AND opened >= (SELECT max(opened) FROM incidents) - ?"
        " ORDER BY opened DESC LIMIT ?",
        (NEAR, limit),
    )
    return [incident(row) for row in rows]


def freeze(
    connection: Connection, causes: Mapping[str, Iterable[Cause]], number: int | None
) -> None:
    """Say which evidence incidents have, and their causes by id."""
    connection.executemany(
        "UPDATE incidents SET frozen = 1, evidence = ?, causes = ? WHERE id = ?",
        [
            (number, json.dumps([cause[:] for cause in found]), name)
            for name, found in causes.items()
        ],
    )


def rerank(connection: Connection, causes: Mapping[str, Iterable[Cause]]) -> None:
    """Put the causes of incidents in another order, by id."""
    connection.executemany(
        "UPDATE incidents SET causes = ? WHERE id = ?",
        [
            (json.dumps([cause[:] for cause in found]), name)
            for name, found in causes.items()
        ],
    )


def incident(row: Row) -> Incident:
    """Read a row of the table."""
    return Incident(
        row["id"],
        json.loads(row["labels"]),
        json.loads(row["annotations"]),
        row["opened"],
        row["closed"],
        frozen=bool(row["frozen"]),
        evidence=row["evidence"],
        causes=[Cause(*cause) for cause in json.loads(row["causes"])],
    )
