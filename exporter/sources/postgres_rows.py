"""How many rows one read may give, and rows that are left as the server sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.generators import copy_from

from exporter.errors import Reason, SourceError
from exporter.sources.postgres_begin import MARK

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

_MOST = 100_000
_BOUNDED = "select {mark} * from (\n{query}\n) as bounded limit {limit}"
_COPY = "copy (\n{query}\n) to stdout (format binary)"
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, nothing more in the header
_TAIL = b"\xff\xff"


def bounded(query: str) -> str:
    """Let a query bear our mark, and give no more than one row too many."""
    return _BOUNDED.format(mark=MARK, query=query, limit=_MOST + 1)


def check_count(count: int) -> None:
    """Raise SourceError(limit) for too many rows."""
    if count > _MOST:
        raise SourceError(
            Reason.LIMIT,
            f"a read gives more than {_MOST} rows and is given up",
            answered=True,
        )


class Copies:
    """Takes rows in COPY's binary format; keeps those of the latest read.

    A row that is as it was is the same object as then: most of thousands are, and are
    not held twice. Nor is the server's answer, as rows are taken while it arrives.
    """

    def __init__(self) -> None:
        """Begin without rows."""
        self._latest: list[bytes] = []

    async def read(self, connection: AsyncConnection[Any], query: str) -> list[bytes]:
        """Return the rows of a bounded query; raises SourceError(limit)."""
        rows: list[bytes] = []
        async with connection.cursor().copy(_COPY.format(query=query).encode()):
            await connection.wait(self._take(connection.pgconn, rows))
        if rows[-1] == _TAIL:
            rows.pop()
        check_count(len(rows))
        self._latest = rows
        return rows

    def _take(self, pgconn: PGconn, rows: list[bytes]) -> PQGen[None]:
        """Take rows without a turn of the event loop for each."""
        known = dict(zip(self._latest, self._latest, strict=True))
        while isinstance(data := (yield from copy_from(pgconn)), memoryview):
            row = bytes(data)
            if not rows:
                row = row.removeprefix(_HEAD)
            if row:
                rows.append(known.get(row, row))
