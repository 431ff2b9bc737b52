"""Reads of PostgreSQL: each a transaction of its own, sent in few messages."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg.errors import InternalError_
from psycopg.rows import class_row, dict_row, tuple_row

from exporter.config import PostgresTarget
from exporter.errors import Reason, SourceError
from exporter.sources.base import Source
from exporter.sources.postgres_begin import COMMIT, ROLLBACK
from exporter.sources.postgres_extension import EXTENSION, Extension, extension_of
from exporter.sources.postgres_rows import bounded, check_count

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from psycopg import AsyncConnection, AsyncCursor
    from psycopg.rows import AsyncRowFactory

    from exporter.sources.base import ResultT

RowT = TypeVar("RowT")


class Reads(Source[PostgresTarget]):
    """What a read may ask of the connection, and how its statements are sent."""

    def __init__(self, config: PostgresTarget, limits: str) -> None:
        """Take what begins a transaction; there is no connection yet."""
        super().__init__(config)
        self._limits = self._begin = limits
        self._connection: AsyncConnection[Any] | None = None
        self._extensions: dict[str, Extension] = {}
        self._begun = False  # the transaction of the read that runs
        self._together = False
        self._left_open = False  # the transaction of the latest read

    async def fetch(
        self, row: type[RowT], query: str, parameters: Sequence[Any] = ()
    ) -> list[RowT]:
        """Return rows as objects of a class, its fields matched by column name.

        Raises SourceError(limit) beyond 100,000 rows. Numbers come as int or float.
        """
        return await self._rows(class_row(row), query, parameters, binary=False)

    async def once(self, row: type[RowT], query: str) -> list[RowT]:
        """Return rows as `fetch` does, for a read of this one statement alone.

        Its transaction takes one message, and one answer.
        """
        cursor = self._open().cursor(row_factory=class_row(row))
        await self._send([*self._before(), bounded(query), COMMIT], cursor)
        self._begun = False
        await cursor.set_result(-2)
        check_count(cursor.rowcount)
        return await cursor.fetchall()

    async def dicts(self, query: str) -> list[dict[str, Any]]:
        """Return rows by column name; bounded as `fetch` is."""
        return await self._rows(dict_row, query, (), binary=False)

    async def tuples(
        self, query: str, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return rows as tuples, sent in binary: the quick way for thousands of rows.

        Columns must be of types that psycopg reads in binary. Bounded as `fetch` is.
        """
        return await self._rows(tuple_row, query, parameters, binary=True)

    async def extension(self, name: str) -> Extension:
        """Return where an extension is, or raise SourceError(unsupported)."""
        if name not in self._extensions:
            found = await self.tuples(EXTENSION, (name,))
            self._extensions[name] = extension_of(found, name, self._open().info.dbname)
        return self._extensions[name]

    async def attempt(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        """Run a part of a read; its failure leaves a transaction to go on in."""
        try:
            return await read(self)
        except (psycopg.Error, SourceError) as error:
            known = error if isinstance(error, SourceError) else self._classify(error)
            if not known.answered or isinstance(error, InternalError_):
                raise
            await self._undo()
            raise known from error

    async def part(
        self, name: str, read: Callable[[Self], Awaitable[ResultT]]
    ) -> ResultT | None:
        """Run a part of a read; None, and said in `parts`, where the server objects."""
        self.parts[name] = None
        try:
            return await self.attempt(read)
        except SourceError as error:
            if error.reason not in (Reason.QUERY, Reason.UNSUPPORTED):
                raise
            self.parts[name] = error
            return None

    @contextlib.asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Send the end of a transaction with the beginning of the next."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
        with contextlib.suppress(SourceError):
            await self._within(self._settle(), self.config.deadline)

    async def command(self, command: str) -> None:
        """Run what gives no rows, as it is written; for the rooms of this source."""
        await self._execute(self._open().cursor(), command)

    async def single(self, query: str) -> Any:
        """Return the one value of what cannot be bounded by a LIMIT, as EXPLAIN."""
        cursor = self._open().cursor()
        await self._execute(cursor, query)
        found = await cursor.fetchone()
        return found[0] if found else None

    async def _execute(self, cursor: AsyncCursor[Any], query: str) -> None:
        """Send a statement, a transaction's first one together with its beginning."""
        before = self._before()
        await self._send([*before, query], cursor)
        if before:
            await cursor.set_result(-1)

    def _before(self) -> list[str]:
        """Return what is to be sent before a statement."""
        if self._begun:
            return []
        ends = [COMMIT] if self._left_open else []
        self._begun, self._left_open = True, False
        return [*ends, self._begin]

    async def _send(
        self, commands: list[str], cursor: AsyncCursor[Any] | None = None
    ) -> None:
        """Send commands in one message."""
        self.queries += len(commands)
        cursor = cursor or self._open().cursor()
        await cursor.execute(";\n".join(commands).encode())

    async def _settle(self) -> None:
        """End the transaction of the latest read, if it was left open."""
        if self._left_open:
            self._left_open = False
            await self._send([COMMIT])

    async def _undo(self) -> None:
        """End a transaction, if there is one, of which nothing shall stay."""
        if self._begun:
            self._begun = False
            await self._send([ROLLBACK])

    async def _rows(
        self,
        factory: AsyncRowFactory[RowT],
        query: str,
        parameters: Sequence[Any],
        *,
        binary: bool,
    ) -> list[RowT]:
        cursor = self._open().cursor(binary=binary, row_factory=factory)
        query = bounded(query)
        if binary or parameters:  # the extended protocol takes one statement at a time
            if before := self._before():
                await self._send(before)
            self.queries += 1
            await cursor.execute(query.encode(), parameters or None)
        else:
            await self._execute(cursor, query)
        check_count(cursor.rowcount)
        return await cursor.fetchall()

    def _open(self) -> AsyncConnection[Any]:
        if self._connection is None:
            raise SourceError(Reason.CONNECT, "there is no connection")
        return self._connection

    async def _transaction(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        try:
            result = await read(self)
        except Exception:
            self._extensions.clear()  # it may have been moved, updated or dropped
            with contextlib.suppress(psycopg.Error, SourceError):
                await self._undo()
            raise
        self._left_open = self._left_open or self._begun
        self._begun = False
        if not self._together:
            await self._settle()
        return result

    def _take(self, connection: AsyncConnection[Any], limits: str) -> None:
        self._connection = connection
        self._begin = self._limits + limits
        self._extensions.clear()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._begun = self._left_open = False
        if connection is not None:
            connection.pgconn.finish()
