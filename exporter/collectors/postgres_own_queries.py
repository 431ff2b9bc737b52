"""The user's own queries: their columns are labels and metrics.

pg_own_query_success{query="jobs"} 1
pg_own_query_duration_seconds{query="jobs"} 0.003
pg_own_jobs_waiting{state="new"} 17

Each runs at its own interval, read-only and under the target's deadline; between two
runs its latest rows are shown. One that fails is shown as such and harms no other.
Their series count towards the target's cap like those of any collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, Finding, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource
    from exporter.sources.postgres_own import Answer

PREFIX = "pg_own_"
SUCCESS = gauge(
    "pg_own_query_success",
    "Whether the own query (pg_own_*) worked the last time it ran: 1 or 0.",
    "query",
)
DURATION = gauge(
    "pg_own_query_duration_seconds",
    "How long the own query (pg_own_*) took the last time it ran, in seconds.",
    "query",
)
_MAKE = {"gauge": gauge, "counter": counter}


async def read(source: PostgresSource) -> list[Answer]:
    """Run the queries that are due."""
    return await source.own.answers(source)


def samples(answers: list[Answer], state: None) -> Iterator[Sample]:
    """Turn rows into samples: labels as text, metrics as numbers; NULL is absent."""
    del state
    for query, rows, seconds, failure in answers:
        yield SUCCESS(int(failure is None), query.name)
        yield DURATION(seconds, query.name)
        for column, settings in query.metrics.items():
            name = f"{PREFIX}{query.name}_{column}"
            metric = _MAKE[settings.type](name, settings.help, *query.labels)
            for row in rows:
                value = row[column]
                labels = [_text(row[label]) for label in query.labels]
                yield metric(None if value is None else value + 0, *labels)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find the own queries that fail."""
    return [
        Finding(
            f"pg_own_{query.name}: {failure}",
            failure.fix or f"mend `queries`, {query.name}",
        )
        for query, _, _, failure in await source.own.answers(source)
        if failure
    ]


COLLECTOR = Collector(
    name="own_queries",
    source=SourceKind.POSTGRES,
    metrics=(SUCCESS, DURATION),
    read=read,
    samples=samples,
    state=stateless,
    privilege="what the queries read",
    inspect=inspect,
)
