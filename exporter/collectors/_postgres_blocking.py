"""Who waits for whom: grows trees of sessions from what pg_blocking_pids() says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_text import label
from exporter.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LONGEST = 1000  # characters of a statement on the evidence page
TITLE = "Who waits for whom"
_KPIS = ("pg_lock_waiters", "pg_lock_wait", "pg_idle_in_transaction")
_COLUMNS = (
    *("pid", "application", "user", "database", "state", "waits_for"),
    *("waits_seconds", "transaction_seconds", "statement"),
)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that waits or is waited for; `pid` 0 is a prepared transaction.

    `blockers` is None for who does not wait. Texts are as the server has them.
    """

    pid: int
    datname: str | None = None
    usename: str | None = None
    application_name: str | None = None
    state: str | None = None
    query: str | None = None
    transaction_seconds: float | None = None
    waits_seconds: float | None = None
    mode: str | None = None
    locked: str | None = None
    blockers: list[int] | None = None


class Node(NamedTuple):
    """A session in its tree: how many stand above it, and who stands at the top."""

    session: Session
    depth: int
    root: Session


def grow(sessions: Sequence[Session]) -> list[Node]:
    """Arrange sessions below those they wait for; everyone is there once.

    A session that waits for several stands below the one with the longest way to its
    root. Those that wait for each other in a circle, which is a deadlock that the
    server will end, have the first of them as their root.
    """
    known = {session.pid: session for session in sessions}
    blockers = {
        s.pid: [p for p in dict.fromkeys(s.blockers or ()) if p in known and p != s.pid]
        for s in sessions
    }
    depths = _depths(blockers)
    children: dict[int | None, list[int]] = {}
    for pid in known:
        above = max(blockers[pid], key=lambda p: depths[p], default=None)
        children.setdefault(above if depths[pid] else None, []).append(pid)
    return [
        node
        for pid in children.get(None, ())
        for node in _below(pid, known, children)
        if node.depth or pid in children
    ]


def _depths(blockers: dict[int, list[int]]) -> dict[int, int]:
    """Return the length of the longest way to a session that waits for nobody.

    Found round by round: who waits only for those already placed is placed below them.
    What is left goes in a circle, and the first of it is placed as if it did not wait.
    """
    depths: dict[int, int] = {}
    while len(depths) < len(blockers):
        left = [pid for pid in blockers if pid not in depths]
        ready = {
            pid: 1 + max((depths[p] for p in blockers[pid]), default=-1)
            for pid in left
            if all(p in depths for p in blockers[pid])
        }
        depths |= ready or {left[0]: 0}
    return depths


def _below(
    top: int, known: dict[int, Session], children: dict[int | None, list[int]]
) -> Iterator[Node]:
    waiting = [(top, 0)]
    while waiting:
        pid, depth = waiting.pop()
        yield Node(known[pid], depth, known[top])
        waiting += [(child, depth + 1) for child in reversed(children.get(pid, ()))]


def table(nodes: Sequence[Node]) -> Evidence:
    """Write trees as evidence, with statements without their literals."""
    rows = tuple(
        (
            session.pid,
            session.application_name,
            session.usename,
            session.datname,
            session.state or (None if session.pid else "prepared transaction"),
            f"{session.mode} on {session.locked}" if session.mode else None,
            session.waits_seconds,
            session.transaction_seconds,
            label(session.query or "", _LONGEST),
        )
        for session, _, _ in nodes
    )
    depths = tuple(node.depth for node in nodes)
    return Evidence(_KPIS, TITLE, _COLUMNS, rows, depths)
