"""How large each database is, and how many sessions it admits, from pg_database.

pg_database_size_bytes{datname="orders"} 8.388608e+09
pg_database_connection_limit{datname="orders"} -1

The server adds up the files of each database for pg_database_size(), without a lock and
at a cost that grows with their number: it is asked every five minutes, and of 500
databases at the most. A database that we may not connect to has no size unless we are a
member of pg_monitor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind, stateless
from exporter.collectors._postgres import Names, hidden_statistics
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select datname, datconnlimit,
    case when has_database_privilege(oid, 'connect')
            or pg_has_role(current_user, 'pg_read_all_stats', 'usage')
        then pg_database_size(oid) end as size
from pg_database
where (cardinality(%s::text[]) = 0 or datname = any(%s)) and datname <> all(%s)
    and datconnlimit <> -2
order by oid
limit 500
"""  # a limit of -2 marks what is left of a DROP DATABASE that was cut short
_EVERY = 300.0

SIZE = gauge(
    "pg_database_size_bytes",
    "pg_database_size(): bytes on disk, measured every five minutes.",
    "datname",
)
LIMIT = gauge(
    "pg_database_connection_limit",
    "datconnlimit of pg_database: sessions; -1 is no limit.",
    "datname",
)


class Database(NamedTuple):
    """A database; without the right to see its size, that is NULL."""

    datname: str
    datconnlimit: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names of a filter as the query's parameters."""

    names: Names

    @property
    def parameters(self) -> tuple[list[str], list[str], list[str]]:
        """Names to keep, twice, and names to leave out."""
        include = list(self.names.include)
        return include, include, list(self.names.exclude)


async def read(source: PostgresSource) -> list[Database]:
    """Read the databases that the target keeps: only their files are counted."""
    parameters = Wanted(source.config.databases).parameters
    return await source.fetch(Database, QUERY, parameters)


def samples(rows: list[Database], _: None) -> Iterator[Sample]:
    """Turn databases into samples."""
    for row in rows:
        yield SIZE(row.size, row.datname)
        yield LIMIT(row.datconnlimit, row.datname)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that some sizes may be hidden."""
    return await hidden_statistics(
        source, "sizes of databases that we may not connect to are hidden"
    )


COLLECTOR = Collector(
    name="database",
    source=SourceKind.POSTGRES,
    metrics=(SIZE, LIMIT),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to each database, or pg_monitor",
    cost=Cost.COSTLY,
    interval=_EVERY,
    inspect=inspect,
)
