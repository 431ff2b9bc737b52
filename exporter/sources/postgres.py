"""PostgreSQL through psycopg: one connection, each read a transaction of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg.errors import InternalError_
from psycopg.rows import class_row, dict_row, tuple_row

from exporter.config import PostgresTarget
from exporter.errors import Reason, SourceError
from exporter.secret import read_secret, remember
from exporter.sources import postgres_address, postgres_errors, postgres_types
from exporter.sources.base import Source
from exporter.sources.postgres_begin import COMMIT, MARK, RAW, ROLLBACK, begin
from exporter.sources.postgres_connection import connected
from exporter.sources.postgres_databases import (
    DATABASES,
    MOST_SHARE,
    Coverage,
    Database,
    Databases,
)
from exporter.sources.postgres_extension import EXTENSION, Extension, extension_of
from exporter.sources.postgres_log import LogFiles
from exporter.sources.postgres_offered import Offered
from exporter.sources.postgres_own import OwnQueries
from exporter.sources.postgres_rows import Copies, bounded, check_count
from exporter.sources.postgres_sampling import Looks, Sampler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from psycopg import AsyncConnection, AsyncCursor
    from psycopg.rows import AsyncRowFactory

    from exporter.sources.base import ResultT

RowT = TypeVar("RowT")

_OLDEST = 130000


class PostgresSource(Source[PostgresTarget]):
    """One PostgreSQL server, or a pooler before it, reached through one database.

    Nothing is set on the session, so that a pooler in transaction mode hands nothing of
    ours to other clients. Every statement of ours bears `MARK`. `version` is
    `server_version_num`, `role` who we are; both are read again at each connect.
    `wanted` is where a collector notes the ids of statements whose text its next read
    shall bring, `texts` are those that another one knows.
    """

    mark = MARK

    def __init__(self, config: PostgresTarget, database: str | None = None) -> None:
        """Keep the settings and take the dsn apart; nothing is opened yet.

        `database` stands in place of the dsn's.
        """
        super().__init__(config)
        self._given = postgres_address.parse(config.dsn)
        if database is not None:
            self._given["dbname"] = database
        if password := self._given.get("password"):
            remember(password)
        self.version, self.role, self._database = 0, "", ""
        self.coverage = Coverage()
        self.databases = self.coverage.states()
        self._others = Databases(config, lambda name: PostgresSource(config, name))
        self._sampler = Sampler(lambda: PostgresSource(config))
        self.own = OwnQueries(config.queries)
        self.log = LogFiles(config.log)
        self.offered = Offered()
        self.wanted: set[int] = set()
        self.texts: dict[int, str] = {}
        self._copies = Copies()
        self._connection: AsyncConnection[Any] | None = None
        self._extensions: dict[str, Extension] = {}
        share = MOST_SHARE if database else 1
        self._limits = self._begin = begin(config.deadline * share)
        self._ahead = ""  # what is to be sent with a transaction's first statement

    @property
    def connections(self) -> int:
        """Connections to the server that are open now, in all databases."""
        open_ = self._connection is not None and not self._connection.closed
        return int(open_) + self._others.connections + self._sampler.connections

    def of_version(self, queries: Mapping[int, str]) -> str:
        """Choose among queries by the lowest version that each is for."""
        return queries[max(lowest for lowest in queries if lowest <= self.version)]

    async def fetch(
        self, row: type[RowT], query: str, parameters: Sequence[Any] = ()
    ) -> list[RowT]:
        """Return rows as objects of a class, its fields matched by column name.

        Raises SourceError(limit) beyond 100,000 rows. Numbers come as int or float.
        """
        return await self._rows(class_row(row), query, parameters, binary=False)

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

    async def raw(self, query: str) -> list[bytes]:
        """Return one query's rows in COPY's binary format; bounded as `fetch` is."""
        await self._begun()
        self.queries += 1
        return await self._copies.read(self._open(), bounded(query))

    async def each(
        self, read: Callable[[PostgresSource], Awaitable[ResultT]]
    ) -> dict[str, ResultT]:
        """Run a read in every wanted database and return what it gave, by name.

        In the dsn's database it is part of the poll's transaction, elsewhere it has one
        of its own. `coverage` tells afterwards where it failed, and which databases are
        beyond the budget of connections. Raises SourceError where it worked nowhere.
        """
        known = await self.fetch(Database, DATABASES)
        found: dict[str, ResultT] = {}
        failed: dict[str, SourceError] = {}
        for one in self._others.wanted(known):
            if one.here:
                try:
                    found[one.datname] = await self.attempt(read)
                except SourceError as error:
                    failed[one.datname] = error
        others = await self._others.each(known, self.role, read)
        self.queries += others.queries
        found |= others.found
        failed |= others.failed
        self.coverage = Coverage(tuple(found), failed, others.beyond)
        self.databases = self.coverage.states()
        if failed and not found:
            raise next(iter(failed.values()))
        return found

    async def extension(self, name: str) -> Extension:
        """Return where an extension is, or raise SourceError(unsupported)."""
        if name not in self._extensions:
            found = await self.tuples(EXTENSION, (name,))
            self._extensions[name] = extension_of(found, name, self._database)
        return self._extensions[name]

    def running(self) -> Looks:
        """Return the statements seen running since the last call, and keep looking."""
        self._others.reserved = int(self.config.sampled)
        return self._sampler.take(self)

    def discard(self) -> None:
        """Throw the connection away at once, without waiting for the server."""
        self._others.discard()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()

    async def close(self) -> None:
        """Say good-bye to the server without waiting for it."""
        self._sampler.stop()
        self.discard()

    async def _connect(self) -> None:
        if self._usable():
            return
        self.discard()
        self._extensions.clear()
        secret = await read_secret(self.config)
        connection = await connected(self._given, secret)
        self._connection = connection
        self.opened += 1
        postgres_types.register(connection)
        raw = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        self._begin = self._limits + (RAW if raw else "")
        self.version = connection.info.server_version
        self.role = connection.info.user
        self._database = connection.info.dbname
        if self.version < _OLDEST:
            self.discard()
            raise SourceError(
                Reason.UNSUPPORTED,
                f"PostgreSQL {self.version // 10000} is too old; 13 is the oldest",
                answered=True,
            )

    def _usable(self) -> bool:
        """Tell whether the connection is idle and its server has not closed it."""
        if self._connection is None or self._connection.closed:
            return False
        return postgres_errors.idle(self._connection.pgconn)

    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        with contextlib.suppress(InternalError_):  # a relation was dropped just now
            return await self._transaction(read)
        return await self._transaction(read)

    async def _transaction(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        self._ahead = self._begin
        try:
            result = await read(self)
        except Exception:
            self._extensions.clear()  # it may have been moved, updated or dropped
            with contextlib.suppress(psycopg.Error, SourceError):
                await self._send(ROLLBACK)
            raise
        await self._send(COMMIT)
        return result

    async def attempt(
        self, read: Callable[[PostgresSource], Awaitable[ResultT]]
    ) -> ResultT:
        """Run a part of a read; its failure leaves a transaction to go on in."""
        try:
            return await read(self)
        except (psycopg.Error, SourceError) as error:
            known = error if isinstance(error, SourceError) else self._classify(error)
            if not known.answered or isinstance(error, InternalError_):
                raise
            await self._send(ROLLBACK)
            self._ahead = self._begin
            raise known from error

    async def identity(self) -> str | None:
        """Return when the server started; behind a pooler, the server's own start."""
        return str(await self.single(f"select {MARK} pg_postmaster_start_time()"))

    async def command(self, command: str) -> None:
        """Run what gives no rows, as it is written; for the rooms of this source."""
        await self._send(command)

    async def single(self, query: str) -> Any:
        """Return the one value of what cannot be bounded by a LIMIT, as EXPLAIN."""
        found = await (await self._send(query)).fetchone()
        return found[0] if found else None

    async def _send(self, command: str) -> AsyncCursor[Any]:
        return await self._execute(self._open().cursor(), command)

    async def _begun(self) -> None:
        """Begin the transaction alone, before what cannot be sent together with it."""
        if self._ahead:
            command, self._ahead = self._ahead, ""
            await self._send(command)

    async def _execute(self, cursor: AsyncCursor[Any], query: str) -> AsyncCursor[Any]:
        """Send a statement, a transaction's first one together with its beginning."""
        ahead, self._ahead = self._ahead, ""
        self.queries += 2 if ahead else 1
        await cursor.execute((f"{ahead};\n{query}" if ahead else query).encode())
        if ahead:
            await cursor.set_result(-1)
        return cursor

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
            await self._begun()
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

    def _classify(self, error: Exception) -> SourceError:
        return postgres_errors.classify(error, self.role)


SOURCE = PostgresSource
