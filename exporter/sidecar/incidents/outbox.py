"""What each receiver has still to be told, in order, kept across restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.sidecar.incidents.kept import incident

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Connection

    from exporter.sidecar.incidents.incident import Incident

_MOST_DETAILS = 20
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"

_COUNTED = """
SELECT max(seq) AS last, count(*) - sum(closed) AS began, sum(closed) AS ended
FROM events WHERE seq > (SELECT told FROM receivers WHERE name = ?)
"""
_DETAILED = """
SELECT incidents.*, news.began, news.ended FROM (
  SELECT incident, min(seq) AS first, max(closed = 0) AS began, max(closed) AS ended
  FROM events WHERE seq > (SELECT told FROM receivers WHERE name = ?)
  GROUP BY incident ORDER BY first LIMIT ?
) AS news JOIN incidents ON incidents.seq = news.incident ORDER BY news.first
"""
_FIRST = """
SELECT min(news.at) AS first, min(incidents.frozen) AS frozen FROM (
  SELECT incident, at FROM events
  WHERE seq > (SELECT told FROM receivers WHERE name = ?) ORDER BY seq LIMIT ?
) AS news JOIN incidents ON incidents.seq = news.incident
"""


class News(NamedTuple):
    """One of the incidents of a message; `ended` says that its end is news as well."""

    incident: Incident
    began: bool
    ended: bool


class Batch(NamedTuple):
    """All that happened since the last message: counted, and some of it in detail.

    `number` is that of the last event, so no two messages to a receiver share one.
    """

    number: int
    began: int
    ended: int
    news: Sequence[News]

    @property
    def left_out(self) -> int:
        """How many incidents are counted only."""
        return max(0, max(self.began, self.ended) - len(self.news))


class Patience(NamedTuple):
    """Seconds: how long news are gathered, and waited for while evidence is missing."""

    window: float
    evidence: float


class Message(NamedTuple):
    """What is being sent to a receiver; the same until it has arrived."""

    number: int
    body: str


def register(connection: Connection, names: Sequence[str]) -> None:
    """Know these receivers and no others; a new one is told what comes from now on."""
    last = connection.execute(_LAST).fetchone()
    connection.executemany(
        "INSERT OR IGNORE INTO receivers (name, told) VALUES (?, ?)",
        [(name, last[0] if last else 0) for name in names],
    )
    marks = ",".join("?" * len(names))
    connection.execute(
        f"DELETE FROM receivers WHERE name NOT IN ({marks})",  # noqa: S608 - marks alone
        names,
    )


def message(connection: Connection, receiver: str) -> Message | None:
    """Return what is being sent to a receiver, if anything."""
    row = connection.execute(
        "SELECT last, message FROM receivers WHERE name = ? AND message IS NOT NULL",
        (receiver,),
    ).fetchone()
    return Message(row["last"], row["message"]) if row else None


def due(
    connection: Connection, receiver: str, patience: Patience, now: float
) -> float | None:
    """Return when the next message is to be written (Unix time), None without news.

    That is at the end of the window, and once the evidence of what began first is
    there, or is not waited for any longer.
    """
    row = connection.execute(_FIRST, (receiver, _MOST_DETAILS)).fetchone()
    if row["first"] is None:
        return None
    window: float = row["first"] + patience.window
    if row["frozen"] or now >= row["first"] + patience.evidence:
        return window
    return max(window, now + min(1.0, patience.evidence))


def compose(
    connection: Connection, receiver: str, write: Callable[[Batch], str]
) -> Message | None:
    """Make one message of all that is new for a receiver, and keep it."""
    batch = _batch(connection, receiver)
    if batch is None:
        return None
    body = write(batch)
    connection.execute(
        "UPDATE receivers SET last = ?, message = ? WHERE name = ?",
        (batch.number, body, receiver),
    )
    return Message(batch.number, body)


def arrived(connection: Connection, receiver: str) -> None:
    """Note that the message arrived, or is given up: the next one may be written."""
    connection.execute(
        "UPDATE receivers SET told = last, message = NULL WHERE name = ?", (receiver,)
    )


def backlog(connection: Connection) -> dict[str, int]:
    """Count what each receiver has not been told yet, in beginnings and ends."""
    rows = connection.execute(
        "SELECT name, (SELECT count(*) FROM events WHERE seq > told) AS events"
        " FROM receivers"
    )
    return {row["name"]: row["events"] for row in rows}


def _batch(connection: Connection, receiver: str) -> Batch | None:
    counted = connection.execute(_COUNTED, (receiver,)).fetchone()
    if counted["last"] is None:
        return None
    rows = connection.execute(_DETAILED, (receiver, _MOST_DETAILS))
    news = [News(incident(row), bool(row["began"]), bool(row["ended"])) for row in rows]
    return Batch(counted["last"], counted["began"], counted["ended"], news)
