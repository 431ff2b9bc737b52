"""How far each database is from running out of transaction ids and multixacts.

pg_database_frozen_xid_age{datname="orders"} 1.95e+08
pg_database_min_multixact_age{datname="orders"} 12000
pg_transaction_ids_assigned_total 5.1e+09

Both ages are numbers of ids (age of datfrozenxid, mxid_age of datminmxid), not seconds:
at 2,147,483,648, less three million, the server refuses to write. Vacuum lowers them.
`assigned` is the next transaction id with its epoch, so that its rate tells how many
ids a second are used. template0, in which nobody can work, has them as well, and can
hold up all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import Names, keeps
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select datname, age(datfrozenxid) as xid_age, mxid_age(datminmxid) as multixact_age,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next_xid
from pg_database where datconnlimit <> -2 order by oid limit 500
"""

XID_AGE = gauge(
    "pg_database_frozen_xid_age",
    "age(datfrozenxid) of pg_database: transaction ids, of 2^31.",
    "datname",
)
MULTIXACT_AGE = gauge(
    "pg_database_min_multixact_age",
    "mxid_age(datminmxid) of pg_database: multixact ids, of 2^31.",
    "datname",
)
ASSIGNED = counter(
    "pg_transaction_ids_assigned_total",
    "The next transaction id with its epoch, from pg_current_snapshot().",
)


class Database(NamedTuple):
    """A database's ages in ids, and the server's next transaction id."""

    datname: str
    xid_age: int
    multixact_age: int
    next_xid: int


class Rows(NamedTuple):
    """What was read, and which databases the target keeps."""

    found: list[Database]
    databases: Names


async def read(source: PostgresSource) -> Rows:
    """Read the ages of all databases."""
    return Rows(await source.fetch(Database, QUERY), source.config.databases)


def samples(rows: Rows, _: None) -> Iterator[Sample]:
    """Turn the ages into samples; the server's own figure is on every row."""
    for row in rows.found[:1]:
        yield ASSIGNED(row.next_xid)
    for row in rows.found:
        if keeps(rows.databases, row.datname):
            yield XID_AGE(row.xid_age, row.datname)
            yield MULTIXACT_AGE(row.multixact_age, row.datname)


COLLECTOR = Collector(
    name="wraparound",
    source=SourceKind.POSTGRES,
    metrics=(XID_AGE, MULTIXACT_AGE, ASSIGNED),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
)
