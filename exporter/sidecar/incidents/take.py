"""How alerts become incidents in the store: each once, closed by its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from exporter.sidecar.incidents.incident import id_of, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection

    from exporter.sidecar.payload import Alert

_LONGEST = 4000  # characters of a label or an annotation
_ALL = 32_000  # characters of all labels of an alert, and of all annotations
_UNSEEN = dict.fromkeys({*range(32), *range(127, 160)} - {9, 10}, "?")
_INSERT = """
INSERT INTO incidents (id, fingerprint, alert, severity, kpi, scope, who, labels,
  annotations, opened, received, closed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_EVENT = """
INSERT INTO events (incident, closed, at) SELECT seq, ?, ? FROM incidents
WHERE seq = ? AND severity NOT IN ('info', 'none')
"""


class Taken(NamedTuple):
    """How many incidents began, how many ended, how many alerts said nothing new."""

    opened: int = 0
    closed: int = 0
    known: int = 0


def take(connection: Connection, alerts: Iterable[Alert], now: float) -> Taken:
    """Note alerts; whatever is noted twice is noted once."""
    counts = {"opened": 0, "closed": 0, "known": 0}
    for given in map(_clean, alerts):
        name = id_of(given.fingerprint, given.starts)
        alert = _possible(given, now)
        row = connection.execute(
            "SELECT seq, closed FROM incidents WHERE id = ?", (name,)
        ).fetchone()
        if row is None:
            counts["opened"] += 1
            counts["closed"] += _open(connection, name, alert, now)
        elif row["closed"] is None and not alert.firing:
            counts["closed"] += 1
            _close(connection, row["seq"], alert.ends or now, now)
        else:
            counts["known"] += 1
    return Taken(**counts)


def _possible(alert: Alert, now: float) -> Alert:
    """Take times that cannot be for now: a start to come would head lists for good."""
    starts = alert.starts if 0 <= alert.starts <= now else now
    ends = None if alert.ends is None else max(starts, min(alert.ends, now))
    return alert._replace(starts=starts, ends=ends)


def _clean(alert: Alert) -> Alert:
    """Cut what is too long, and replace what no text can hold or show.

    That is half a character, and control characters but for tabs and line ends.
    """
    labels, annotations = map(_texts, (alert.labels, alert.annotations))
    fingerprint = _text(alert.fingerprint)
    return alert._replace(
        fingerprint=fingerprint, labels=labels, annotations=annotations
    )


def _texts(given: dict[str, str]) -> dict[str, str]:
    """Keep what fits; a list shows many incidents, and must not need much memory."""
    kept: dict[str, str] = {}
    left = _ALL
    for key, text in ((_text(key), _text(text)) for key, text in given.items()):
        if len(key) + len(text) <= left:
            kept[key] = text
            left -= len(key) + len(text)
    return kept


def _text(given: str) -> str:
    return given[:_LONGEST].encode("utf-8", "replace").decode().translate(_UNSEEN)


def _open(connection: Connection, name: str, alert: Alert, now: float) -> int:
    """Note an incident; returns how many are over by that.

    Of alerts with the same labels only the one that began last can be open: the end of
    an earlier one was lost when a later one comes.
    """
    before = connection.execute(
        "SELECT seq FROM incidents WHERE fingerprint = ? AND opened < ?"
        " AND closed IS NULL",
        (alert.fingerprint, alert.starts),
    ).fetchall()
    for row in before:
        _close(connection, row["seq"], alert.starts, now)
    ends = _end(connection, alert, now)
    row = (name, *_row(alert, now, ends))
    seq = connection.execute(_INSERT, row).lastrowid
    _event(connection, seq, closed=False, now=now)
    if ends is not None:
        _event(connection, seq, closed=True, now=now)
    return len(before) + (ends is not None)


def _end(connection: Connection, alert: Alert, now: float) -> float | None:
    if not alert.firing:
        return alert.ends or now
    later: float | None = connection.execute(
        "SELECT min(opened) FROM incidents WHERE fingerprint = ? AND opened > ?",
        (alert.fingerprint, alert.starts),
    ).fetchone()[0]
    return later


def _row(alert: Alert, now: float, ends: float | None) -> tuple[object, ...]:
    labels, scope = alert.labels, scope_of(alert.labels)
    return (
        *(alert.fingerprint, alert.name),
        *(labels.get("severity", ""), labels.get("kpi", ""), scope),
        *(labels.get(scope, ""), json.dumps(labels)),
        json.dumps(alert.annotations),
        *(alert.starts, now, ends),
    )


def _close(connection: Connection, seq: int, ended: float, now: float) -> None:
    connection.execute("UPDATE incidents SET closed = ? WHERE seq = ?", (ended, seq))
    _event(connection, seq, closed=True, now=now)


def _event(
    connection: Connection, seq: int | None, *, closed: bool, now: float
) -> None:
    """Note for receivers that something began or ended; info is told to nobody."""
    connection.execute(_EVENT, (int(closed), now, seq))
