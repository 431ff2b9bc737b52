"""Whether WAL reaches the archive, from pg_stat_archiver.

pg_stat_archiver_archived_count 5120
pg_stat_archiver_failed_count 3
pg_stat_archiver_last_archive_age 42.1
pg_stat_archiver_failing 0

`failing` is 1 while the latest attempt was a failure: the server tries again for ever,
and keeps all WAL until it succeeds. Without an archive it is absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select archived_count, failed_count,
    greatest(0, extract(epoch from clock_timestamp() - last_archived_time))::float8
        as age,
    extract(epoch from last_archived_time)::float8 as archived,
    extract(epoch from last_failed_time)::float8 as failed,
    current_setting('archive_mode') <> 'off' as archives
from pg_stat_archiver
"""

ARCHIVED = counter(
    "pg_stat_archiver_archived_count",
    "pg_stat_archiver.archived_count: WAL files that were archived.",
)
FAILED = counter(
    "pg_stat_archiver_failed_count",
    "pg_stat_archiver.failed_count: attempts to archive that failed.",
)
AGE = gauge(
    "pg_stat_archiver_last_archive_age",
    "Seconds since pg_stat_archiver.last_archived_time; absent before the first.",
)
LAST_FAILURE = gauge(
    "pg_stat_archiver_last_failure_timestamp_seconds",
    "pg_stat_archiver.last_failed_time: Unix time in seconds.",
)
FAILING = gauge(
    "pg_stat_archiver_failing",
    "Whether the latest attempt to archive failed, from the two times of "
    "pg_stat_archiver; absent while archive_mode is off.",
)


@dataclass(frozen=True, slots=True)
class Archiver:
    """The one row: counts, seconds since the latest success, Unix times."""

    archived_count: int | None
    failed_count: int | None
    age: float | None
    archived: float | None
    failed: float | None
    archives: bool


async def read(source: PostgresSource) -> list[Archiver]:
    """Read the row."""
    return await source.fetch(Archiver, QUERY)


def samples(rows: list[Archiver], _: None) -> Iterator[Sample]:
    """Turn the row into samples."""
    for row in rows:
        yield ARCHIVED(row.archived_count)
        yield FAILED(row.failed_count)
        yield AGE(row.age)
        yield LAST_FAILURE(row.failed)
        if row.archives:
            failing = row.failed is not None and row.failed > (row.archived or 0.0)
            yield FAILING(int(failing))


COLLECTOR = Collector(
    name="archiver",
    source=SourceKind.POSTGRES,
    metrics=(ARCHIVED, FAILED, AGE, LAST_FAILURE, FAILING),
    read=read,
    samples=samples,
    state=stateless,
    privilege="CONNECT to one database",
)
