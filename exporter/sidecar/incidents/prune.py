"""What the store forgets: what is old, and the oldest when there is too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlite3 import Connection

_AT_ONCE = 200


class Limits(NamedTuple):
    """How long (seconds) and how much (bytes of the file) is kept."""

    seconds: float
    most_bytes: int


def prune(connection: Connection, limits: Limits, now: float) -> int:
    """Forget what is beyond the limits; returns how many incidents went.

    What is over goes by its age. Only too large a file costs open incidents. Something
    is always written, so that a full disk is noticed before the next alert comes.
    """
    connection.execute("INSERT OR REPLACE INTO tidied VALUES (1, ?)", (now,))
    gone = connection.execute(
        "DELETE FROM incidents WHERE closed < ?", (now - limits.seconds,)
    ).rowcount
    _loose(connection)
    while _used(connection) > limits.most_bytes:
        went = connection.execute(
            "DELETE FROM incidents WHERE seq IN (SELECT seq FROM incidents"
            " ORDER BY closed IS NULL, seq LIMIT ?)",
            (_AT_ONCE,),
        ).rowcount
        if not went:
            break
        gone += went
        _loose(connection)
    return gone


def _loose(connection: Connection) -> None:
    """Forget evidence of nobody, and events that every receiver was told."""
    connection.execute(
        "DELETE FROM evidence WHERE NOT EXISTS"
        " (SELECT 1 FROM incidents WHERE incidents.evidence = evidence.number)"
    )
    connection.execute(
        "DELETE FROM events WHERE seq <="
        " (SELECT coalesce(min(told), 9223372036854775807) FROM receivers)"
    )


def _used(connection: Connection) -> int:
    def said(name: str) -> int:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

    return (said("page_count") - said("freelist_count")) * said("page_size")
