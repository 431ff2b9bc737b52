"""The further databases of a PostgreSQL server: a connection each, within a budget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from exporter.errors import Reason, SourceError
from exporter.sources.base import ResultT, Source
from exporter.sources.postgres_errors import quoted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from exporter.config import PostgresTarget

SourceT = TypeVar("SourceT", bound=Source[Any])

DATABASES = """
select d.datname, has_database_privilege(d.oid, 'connect') as allowed,
    d.datname = current_database() as here,
    coalesce(pg_stat_get_db_xact_commit(d.oid), 0) as work,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0)
        - sum(pg_stat_get_db_numbackends(d.oid)) over () as spare
from pg_database d
where d.datallowconn and d.datconnlimit <> -2
    and (not d.datistemplate or d.datname = current_database())
"""
_PROVIDERS = {"rdsadmin", "cloudsqladmin", "azure_maintenance", "azure_sys"}
_LEFT_FREE = 3  # connections that we never take from a server's clients
_PAUSE = 60.0  # seconds until a database that could not be read is tried again
_SHARE = 0.9  # of the deadline that all databases together may take
MOST_SHARE = 0.5  # of the deadline that a single one may take


class Database(NamedTuple):
    """A database that takes connections, and how many more the server would take."""

    datname: str
    allowed: bool
    here: bool
    work: int
    spare: int


class Coverage(NamedTuple):
    """The databases of the latest reads: done, failed and why, beyond the budget."""

    read: tuple[str, ...] = ()
    failed: Mapping[str, SourceError] = {}
    beyond: tuple[str, ...] = ()

    def states(self) -> dict[str, int]:
        """Count the databases by what became of the read."""
        failed, beyond = len(self.failed), len(self.beyond)
        return {"read": len(self.read), "failed": failed, "beyond_budget": beyond}


class Outcome(NamedTuple, Generic[ResultT]):
    """What one read gave in each database, and the statements that it took."""

    found: dict[str, ResultT]
    failed: dict[str, SourceError]
    beyond: tuple[str, ...]
    queries: int


class Databases(Generic[SourceT]):
    """Reads in databases beside the one of the dsn; each keeps its connection.

    Those with an open connection stay, then those with most commits are chosen. What
    fails in one database is kept as its failure and harms no other.
    """

    def __init__(
        self, config: PostgresTarget, opened: Callable[[str], SourceT]
    ) -> None:
        """Take the target's settings and how a source of a database is made."""
        self._config = config
        self._make = opened
        self._open: dict[str, SourceT] = {}
        self._paused: dict[str, tuple[float, SourceError]] = {}
        self._queries = 0
        self._free = 0
        self.reserved = 0  # connections of the budget that are used elsewhere

    @property
    def connections(self) -> int:
        """Connections to further databases that are open now."""
        return sum(source.connections for source in self._open.values())

    def discard(self) -> None:
        """Throw all connections away at once."""
        for source in self._open.values():
            source.discard()
        self._open.clear()

    def wanted(self, known: Sequence[Database]) -> list[Database]:
        """Return the databases that the target's filter keeps."""
        names = self._config.databases
        return [
            one
            for one in known
            if one.datname not in names.exclude
            and (
                one.datname in names.include
                if names.include
                else one.datname not in _PROVIDERS
            )
        ]

    async def each(
        self,
        known: Sequence[Database],
        role: str,
        read: Callable[[SourceT], Awaitable[ResultT]],
    ) -> Outcome[ResultT]:
        """Read in the further databases, one after the other; never raises for one."""
        queries = self._queries
        began = asyncio.get_running_loop().time()
        self._free = known[0].spare if known else 0
        others = [one for one in self.wanted(known) if not one.here]
        self._close_all_but({one.datname for one in others})
        found: dict[str, ResultT] = {}
        failed = {o.datname: _denied(o, role) for o in others if not o.allowed}
        ranked = sorted((one for one in others if one.allowed), key=self._rank)
        budget = max(0, self._config.connections - 1 - self.reserved)
        for one in ranked[:budget]:
            spent = asyncio.get_running_loop().time() - began
            try:
                found[one.datname] = await self._one(one, read, spent)
            except SourceError as error:
                failed[one.datname] = error
        beyond = tuple(one.datname for one in ranked[budget:])
        self._close_all_but({one.datname for one in ranked[:budget]})
        return Outcome(found, failed, beyond, self._queries - queries)

    def _rank(self, one: Database) -> tuple[bool, bool, int, str]:
        paused = one.datname in self._paused
        return paused, one.datname not in self._open, -one.work, one.datname

    async def _one(
        self, one: Database, read: Callable[[SourceT], Awaitable[ResultT]], spent: float
    ) -> ResultT:
        """Read in one database, in time for the others."""
        now = asyncio.get_running_loop().time()
        until, why = self._paused.get(one.datname, (0.0, None))
        if why is not None and now < until:
            raise why
        deadline = self._config.deadline
        left = min(_SHARE * deadline - spent, MOST_SHARE * deadline)
        if left <= 0:
            raise _failed(one, SourceError(Reason.TIMEOUT, "not reached in time"))
        source = self._source(one)
        before = source.queries
        try:
            await source.connect(left)
            result = await source.run(read, left)
        except SourceError as error:
            failure = _failed(one, error)
            if not error.answered:
                self._open.pop(one.datname).discard()
                self._paused[one.datname] = (now + _PAUSE, failure)
            raise failure from error
        finally:
            self._queries += source.queries - before
        self._paused.pop(one.datname, None)
        return result

    def _source(self, one: Database) -> SourceT:
        """Return the source of a database; a new one only while the server has room."""
        if one.datname not in self._open:
            if self._free <= _LEFT_FREE:
                raise _failed(one, _full())
            self._free -= 1
            self._open[one.datname] = self._make(one.datname)
        return self._open[one.datname]

    def _close_all_but(self, names: set[str]) -> None:
        for name in self._open.keys() - names:
            self._open.pop(name).discard()
        for name in self._paused.keys() - names:
            del self._paused[name]


def _failed(one: Database, error: SourceError) -> SourceError:
    """Name the database; the server as a whole has answered all the same."""
    message = f"database {one.datname}: {error}"
    return SourceError(error.reason, message, answered=True, fix=error.fix)


def _denied(one: Database, role: str) -> SourceError:
    fix = f"GRANT CONNECT ON DATABASE {quoted(one.datname)} TO {quoted(role)};"
    return _failed(one, SourceError(Reason.PERMISSION, "may not connect", fix=fix))


def _full() -> SourceError:
    return SourceError(
        Reason.LIMIT,
        "the server's last connections are left to its clients",
        fix="raise max_connections, or close idle sessions",
    )
