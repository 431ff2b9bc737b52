"""How much WAL lies on disk, and how much waits for the archive.

pg_wal_segments 12
pg_wal_size_bytes 2.01326592e+08
pg_wal_ready_files 0

The server lists the folders for us (pg_ls_waldir, pg_ls_archive_statusdir), so this is
read once a minute. `ready` files wait for archive_command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind, stateless
from exporter.collectors._postgres import hidden_statistics, refusals
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

WAL = """
select count(*) as segments, coalesce(sum(size), 0) as size
from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'
"""
WAITING = """
select count(*) as ready from pg_ls_archive_statusdir() where name like '%.ready'
"""
QUERIES = {"pg_ls_waldir()": WAL, "pg_ls_archive_statusdir()": WAITING}
"""What is read through which function: managed services refuse one or both."""
_RIGHTS = """
select bool_and(has_function_privilege(name, 'execute')) as may
from unnest(%s::text[]) name
"""
_EVERY = 60.0

SEGMENTS = gauge("pg_wal_segments", "Files of WAL, from pg_ls_waldir().")
SIZE = gauge("pg_wal_size_bytes", "Bytes of the files of WAL, from pg_ls_waldir().")
READY = gauge(
    "pg_wal_ready_files",
    "Files that wait to be archived, from pg_ls_archive_statusdir(); 0 without an "
    "archive.",
)


@dataclass(frozen=True, slots=True)
class Files:
    """Counts of files, and bytes, as far as they could be read."""

    segments: int | None = None
    size: float | None = None
    ready: int | None = None


class _Rights(NamedTuple):
    may: bool


async def read(source: PostgresSource) -> list[Files]:
    """Let the server list the folders, as far as it does that for us."""
    return [
        found
        for function, query in QUERIES.items()
        if await _may(source, [function])
        and not await source.offered.refusal(source, function)
        for found in await source.fetch(Files, query)
    ]


async def _may(source: PostgresSource, functions: list[str]) -> bool:
    (rights,) = await source.fetch(_Rights, _RIGHTS, (functions,))
    return rights.may


def samples(rows: list[Files], _: None) -> Iterator[Sample]:
    """Turn the counts into samples."""
    for row in rows:
        yield SEGMENTS(row.segments)
        yield SIZE(row.size)
        yield READY(row.ready)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that we may not ask, or that nobody may."""
    hidden = await hidden_statistics(source, "how much WAL is kept is hidden")
    return hidden or await refusals(source, QUERIES, "how much WAL is kept")


COLLECTOR = Collector(
    name="wal_files",
    source=SourceKind.POSTGRES,
    metrics=(SEGMENTS, SIZE, READY),
    read=read,
    samples=samples,
    state=stateless,
    privilege="pg_monitor, else nothing is shown",
    cost=Cost.COSTLY,
    interval=_EVERY,
    inspect=inspect,
)
