"""PostgreSQL through psycopg: one connection, each read a transaction of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from psycopg.errors import InternalError_

from exporter.errors import Reason, SourceError
from exporter.secret import read_secret, remember
from exporter.sources import (
    postgres_address,
    postgres_errors,
    postgres_kept,
    postgres_types,
)
from exporter.sources.postgres_begin import MARK, RAW, begin
from exporter.sources.postgres_connection import connected
from exporter.sources.postgres_databases import (
    DATABASES,
    MOST_SHARE,
    Coverage,
    Database,
    Databases,
)
from exporter.sources.postgres_log import LogFiles
from exporter.sources.postgres_offered import Offered
from exporter.sources.postgres_own import OwnQueries
from exporter.sources.postgres_reads import Reads
from exporter.sources.postgres_sampling import Looks, Sampler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from exporter.config import PostgresTarget
    from exporter.sources.base import ResultT

_OLDEST = 130000


class PostgresSource(Reads):
    """One PostgreSQL server, or a pooler before it, reached through one database.

    Nothing is set on the session, so that a pooler in transaction mode hands nothing of
    ours to other clients. Every statement of ours bears `MARK`. `version` is
    `server_version_num`, `role` who we are; both are read again at each connect.
    `wanted` is where a collector notes the ids of statements whose text its next read
    shall bring, `texts` are those that another one knows. Neither asks for any until
    `texts_refused_until`, of the loop's time. `kept` is what it has of their rows.
    """

    mark = MARK

    def __init__(self, config: PostgresTarget, database: str | None = None) -> None:
        """Keep the settings and take the dsn apart; nothing is opened yet.

        `database` stands in place of the dsn's.
        """
        share = MOST_SHARE if database else 1
        super().__init__(config, begin(config.deadline * share))
        self._given = postgres_address.parse(config.dsn)
        if database is not None:
            self._given["dbname"] = database
        if password := self._given.get("password"):
            remember(password)
        self.version, self.role = 0, ""
        self.coverage = Coverage()
        self.databases = self.coverage.states()
        self._others = Databases(config, lambda name: PostgresSource(config, name))
        self._sampler = Sampler(lambda: PostgresSource(config))
        self.own = OwnQueries(config.queries)
        self.log = LogFiles(config.log)
        self.offered = Offered()
        self.wanted: set[int] = set()
        self.texts: dict[int, str] = {}
        self.texts_refused_until = 0.0
        self.kept = postgres_kept.Kept()

    @property
    def connections(self) -> int:
        """Connections to the server that are open now, in all databases."""
        open_ = self._connection is not None and not self._connection.closed
        return int(open_) + self._others.connections + self._sampler.connections

    def of_version(self, queries: Mapping[int, str]) -> str:
        """Choose among queries by the lowest version that each is for."""
        return queries[max(lowest for lowest in queries if lowest <= self.version)]

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

    def running(self) -> Looks:
        """Return the statements seen running since the last call, and keep looking."""
        self._others.reserved = int(self.config.sampled)
        return self._sampler.take(self)

    def discard(self) -> None:
        """Throw the connection away at once, without waiting for the server."""
        self._others.discard()
        self._drop()

    async def close(self) -> None:
        """Say good-bye to the server without waiting for it."""
        await self._sampler.stop()
        self.discard()
        await self._ended()

    async def _connect(self) -> None:
        if self._usable():
            return
        self.discard()
        self.kept = postgres_kept.Kept()  # what another server has may be all new
        secret = await read_secret(self.config)
        connection = await connected(self._given, secret)
        raw = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        self._take(connection, RAW if raw else "")
        self.opened += 1
        postgres_types.register(connection)
        postgres_kept.register(connection)
        self.version = connection.info.server_version
        self.role = connection.info.user
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

    async def identity(self) -> str | None:
        """Return when the server started; behind a pooler, the server's own start."""
        return str(await self.single(f"select {MARK} pg_postmaster_start_time()"))

    def _classify(self, error: Exception) -> SourceError:
        return postgres_errors.classify(error, self.role)


SOURCE = PostgresSource
