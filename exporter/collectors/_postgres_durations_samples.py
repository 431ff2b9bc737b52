"""The series that tell how long statements took, per database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import Sample, counter, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from exporter.collectors._postgres_account import Account

DURATION = histogram(
    "pg_statement_duration_seconds",
    "Seconds that completed top-level statements took, from pg_stat_statements, or "
    "pg_stat_monitor where that is: sum and count exact, buckets as "
    "pg_statement_duration_source says.",
    "datname",
)
SOURCE = gauge(
    "pg_statement_duration_source",
    "Where the buckets of pg_statement_duration_seconds come from: pg_stat_monitor "
    "(exact), or estimate (from the moments of pg_stat_statements) and log (exact "
    "above log_min_duration_statement); 1.",
    "source",
)
SLOWER = counter(
    "pg_statements_slower_total",
    "Top-level statements that took longer than threshold (seconds), by the moments of "
    "pg_stat_statements or the buckets of pg_stat_monitor: at the least and at the "
    "most for certain, and the estimate.",
    *("datname", "threshold", "bound"),
)


def duration_samples(
    accounts: Mapping[str, Account], sources: Collection[str]
) -> Iterator[Sample]:
    """Yield histograms, what they rest on, and what is certain."""
    for source in ("pg_stat_monitor", "estimate", "log"):
        yield SOURCE(1 if source in sources else None, source)
    for datname, account in accounts.items():
        for bound, count in account.cumulative():
            yield Sample(DURATION, count, (datname, repr(bound)), "_bucket")
        yield Sample(DURATION, account.calls, (datname, "+Inf"), "_bucket")
        yield Sample(DURATION, account.seconds, (datname,), "_sum")
        yield Sample(DURATION, account.calls, (datname,), "_count")
        for limit, slower in account.slower.items():
            threshold = f"{limit:.12g}"
            yield SLOWER(slower.least, datname, threshold, "least")
            yield SLOWER(round(slower.estimate), datname, threshold, "estimate")
            yield SLOWER(slower.most, datname, threshold, "most")
