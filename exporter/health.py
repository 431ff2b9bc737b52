"""What we say about ourselves for each target: up, success, reasons, ages, own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collector import SourceKind
from exporter.errors import Reason
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.base import Source
    from exporter.watch import Watch

_UP = {
    SourceKind.POSTGRES: "pg_up",
    SourceKind.REDIS: "redis_up",
    SourceKind.NEO4J: "neo4j_up",
}

UP = {
    kind: gauge(name, f"Whether {kind} answered at the latest poll of the target.")
    for kind, name in _UP.items()
}
LAST_ERROR = {
    SourceKind.POSTGRES: gauge(
        "pg_exporter_last_scrape_error",
        "Whether the latest poll of any collector of the target failed, under the name "
        "that postgres_exporter has for it.",
    )
}
INFO = gauge(
    "kpi_exporter_target_info",
    "A configured target and the kind of its source; always 1.",
    "source",
)
SUCCESS = gauge(
    "kpi_exporter_collector_success",
    "Whether the latest poll of the collector worked.",
    "collector",
)
DURATION = gauge(
    "kpi_exporter_collector_duration_seconds",
    "Seconds that the latest poll of the collector took.",
    "collector",
)
LAST_SUCCESS = gauge(
    "kpi_exporter_collector_last_success_timestamp_seconds",
    "Unix time of the collector's latest good poll (0: none yet); the age of its data "
    "is now less it.",
    "collector",
)
POLLS = counter(
    "kpi_exporter_collector_polls_total",
    "Polls of the collector, failed ones included.",
    "collector",
)
FAILURES = counter(
    "kpi_exporter_collector_failures_total",
    "Polls of the collector that failed, by reason.",
    "collector",
    "reason",
)
SKIPPED = counter(
    "kpi_exporter_collector_skipped_total",
    "Polls of the collector that were due and were left out because of lateness.",
    "collector",
)
SERIES = gauge(
    "kpi_exporter_series",
    "Series that the latest good poll of the collector gave.",
    "collector",
)
DROPPED = counter(
    "kpi_exporter_series_dropped_total",
    "Series left out as duplicates or beyond the target's series_limit.",
    "collector",
)
SECONDS = counter(
    "kpi_exporter_source_seconds_total",
    "Seconds spent waiting for the target's server.",
)
QUERIES = counter(
    "kpi_exporter_source_queries_total",
    "Statements or commands sent to the target's server.",
)
CONNECTIONS = gauge(
    "kpi_exporter_source_connections",
    "Connections to the target's server that are open now.",
)
DATABASES = gauge(
    "kpi_exporter_source_databases",
    "Databases of the target at the latest read that goes through all of them: read, "
    "failed, or beyond the budget of `connections`.",
    "state",
)
OF = {SourceKind.POSTGRES: (DATABASES,)}
"""What is there for targets of one kind only, beside `UP`."""
STRETCH = gauge(
    "kpi_exporter_source_interval_stretch_ratio",
    "Factor on the intervals of costly collectors; above 1 the target's server is "
    "asked for more than 2 % of the time, and costly reads are made rarer.",
)


def samples(
    source: Source[Any], watches: Sequence[Watch], *, up: bool | None, stretch: float
) -> Iterator[Sample]:
    """Yield what may change at any round; all series are there from the start."""
    kind = source.config.kind
    if kind in UP:
        yield UP[kind](int(up or 0))
    if kind in LAST_ERROR:
        yield LAST_ERROR[kind](int(any(watch.ok is False for watch in watches)))
    yield INFO(1, kind)
    yield SECONDS(source.seconds)
    yield QUERIES(source.queries)
    yield CONNECTIONS(source.connections)
    yield STRETCH(stretch)
    for state, number in source.databases.items():
        yield DATABASES(number, state)
    for watch in watches:
        name = watch.collector.name
        yield SUCCESS(int(watch.ok or 0), name)
        yield DURATION(watch.seconds or 0, name)
        yield LAST_SUCCESS(watch.last_success or 0, name)
        yield POLLS(watch.polls, name)
        yield SERIES(watch.series, name)


def mishaps(watches: Sequence[Watch]) -> Iterator[Sample]:
    """Yield what went wrong so far; these are most of the series, and seldom change."""
    for watch in watches:
        name = watch.collector.name
        yield SKIPPED(watch.skipped, name)
        yield DROPPED(watch.dropped, name)
        for reason in Reason:
            yield FAILURES(watch.failures[reason], name, reason)


def told(watches: Sequence[Watch]) -> list[tuple[int, int, int]]:
    """Return something that changes whenever `mishaps` do, and is quickly made."""
    return [(it.skipped, it.dropped, it.failures.total()) for it in watches]
