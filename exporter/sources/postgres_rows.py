"""How many rows one read may give, and rows that are left as the server sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.generators import copy_from

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

_MOST = 100_000
_BOUNDED = "select {mark} * from (\n{query}\n) as bounded limit {limit}"
_COPY = "copy (\n{query}\n) to stdout (format binary)"
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, nothing more in the header
_TAIL = b"\xff\xff"


def bounded(query: str, mark: str) -> str:
    """Let a query that bears our mark give no more than one row too many."""
    return _BOUNDED.format(mark=mark, query=query, limit=_MOST + 1)


def check_count(count: int) -> None:
    """Raise SourceError(limit) for too many rows."""
    if count > _MOST:
        raise SourceError(
            Reason.LIMIT,
            f"a read gives more than {_MOST} rows and is given up",
            answered=True,
        )


async def copied(connection: AsyncConnection[Any], query: str) -> list[bytes]:
    """Return the rows of a bounded query, each in COPY's binary format.

    The rows are taken as they arrive: a result of the usual kind would be held twice.
    """
    rows: list[bytes] = []
    async with connection.cursor().copy(_COPY.format(query=query).encode()):
        await connection.wait(_take(connection.pgconn, rows))
    rows[:1] = [row for row in (rows[0].removeprefix(_HEAD),) if row]
    if rows[-1] == _TAIL:
        rows.pop()
    check_count(len(rows))
    return rows


def _take(pgconn: PGconn, rows: list[bytes]) -> PQGen[None]:
    """Take rows without a turn of the event loop for each."""
    while isinstance(data := (yield from copy_from(pgconn)), memoryview):
        rows.append(bytes(data))
