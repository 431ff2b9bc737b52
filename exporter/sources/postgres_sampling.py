"""Looks at running statements many times between two polls, on a connection apart."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from exporter.errors import SourceError
from exporter.sources.base import GOODBYE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    PostgresSource = Any  # which imports this module

RUNNING = """
select usesysid as user, datid as database, query_id as query,
    extract(epoch from clock_timestamp() - query_start)::float8 as age
from pg_stat_get_activity(null)
where state = 'active' and query_id is not null and pid <> pg_backend_pid()
    and leader_pid is null and query_start <= clock_timestamp()
"""
SINCE = 140000
"""The server version from which pg_stat_activity knows query ids."""
_TIMEOUT = 1.0
_PAUSE = 15.0  # seconds after a failure
_IDLE = 90.0  # seconds without being asked after which it ends itself


class _Row(NamedTuple):
    """A row of `RUNNING`."""

    user: int
    database: int
    query: int
    age: float


class Looks(NamedTuple):
    """Ages in seconds by user, database and query id, how many looks found them.

    None of them where the version knows no query ids, or sampling is switched off.
    """

    ages: dict[tuple[int, int, int], list[float]]
    looks: int


class Sampler:
    """Samples in the background from the first `take` on, and ends when unused."""

    def __init__(self, opened: Callable[[], PostgresSource]) -> None:
        """Take how a source of its own is made."""
        self._open = opened
        self._task: asyncio.Task[None] | None = None
        self._source: PostgresSource | None = None
        self._ages: dict[tuple[int, int, int], list[float]] = defaultdict(list)
        self._looks = 0
        self._unasked = 0.0

    @property
    def connections(self) -> int:
        """Connections that are open now: 0 or 1."""
        return self._source.connections if self._source else 0

    def take(self, asked: PostgresSource) -> Looks:
        """Return what was seen since the last call, and go on looking.

        The source that asks bears the cost, and knows version and settings.
        """
        if asked.version < SINCE or not asked.config.sampled:
            return Looks({}, 0)
        if self._source:
            asked.seconds += self._source.seconds
            asked.queries += self._source.queries
            self._source.seconds, self._source.queries = 0.0, 0
        taken = Looks(dict(self._ages), self._looks)
        self._ages.clear()
        self._looks, self._unasked = 0, 0.0
        if self._task is None or self._task.done():
            self._source = self._open()
            self._task = asyncio.create_task(self._run(self._source))
        return taken

    async def stop(self) -> None:
        """End at once, without waiting for the server."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=GOODBYE)

    async def _run(self, source: PostgresSource) -> None:
        """Look again and again; a failure is the polls' to tell, here it is a pause."""
        try:
            while self._unasked < _IDLE:
                pause = source.config.sampling.interval
                try:
                    await source.connect(_TIMEOUT)
                    await source.run(self._look, _TIMEOUT)
                except SourceError:
                    pause = _PAUSE
                self._unasked += pause
                await asyncio.sleep(pause)
        finally:
            await source.close()

    async def _look(self, source: PostgresSource) -> None:
        for row in await source.once(_Row, RUNNING):
            self._ages[row.user, row.database, row.query].append(row.age)
        self._looks += 1
