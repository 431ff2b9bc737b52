"""Transactions prepared for a two-phase commit that nobody has ended yet.

pg_prepared_transactions{datname="orders"} 1
pg_prepared_transactions_oldest_timestamp_seconds{datname="orders"} 1.7e+09

From pg_prepared_xacts. They hold their locks and the horizon of vacuum without a
session, through restarts too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import Names, keeps
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select d.datname, count(p.gid) as transactions,
    extract(epoch from min(p.prepared))::float8 as oldest,
    extract(epoch from clock_timestamp() - min(p.prepared))::float8 as age
from pg_database d left join pg_prepared_xacts p on p.database = d.datname
where d.datallowconn group by 1 order by 1 limit 500
"""

TRANSACTIONS = gauge(
    "pg_prepared_transactions", "Rows of pg_prepared_xacts.", "datname"
)
OLDEST = gauge(
    "pg_prepared_transactions_oldest_timestamp_seconds",
    "When the oldest of pg_prepared_xacts was prepared: Unix time in seconds.",
    "datname",
)
AGE = gauge(
    "pg_prepared_transactions_max_age_seconds",
    "Age of the oldest of pg_prepared_xacts by the server's clock: seconds, 0 without "
    "any.",
    "datname",
)


class Prepared(NamedTuple):
    """The prepared transactions of a database; Unix time, and seconds."""

    datname: str
    transactions: int
    oldest: float | None
    age: float | None


class Rows(NamedTuple):
    """What was read, and which databases the target keeps."""

    found: list[Prepared]
    databases: Names


async def read(source: PostgresSource) -> Rows:
    """Read the prepared transactions of every database that can have some."""
    return Rows(await source.fetch(Prepared, QUERY), source.config.databases)


def samples(rows: Rows, _: None) -> Iterator[Sample]:
    """Turn them into samples; where there are none, the oldest of them is 0 s old."""
    for row in rows.found:
        if keeps(rows.databases, row.datname):
            yield TRANSACTIONS(row.transactions, row.datname)
            yield OLDEST(row.oldest, row.datname)
            yield AGE(row.age if row.transactions else 0, row.datname)


COLLECTOR = Collector(
    name="prepared",
    source=SourceKind.POSTGRES,
    metrics=(TRANSACTIONS, OLDEST, AGE),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
)
