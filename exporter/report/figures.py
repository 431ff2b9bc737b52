"""Figures of statements and caches as lists, from a page of metrics; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.report.evaluate import Page
    from exporter.report.model import Line

_CALLS = "pg_stat_statements_calls_total"
_SECONDS = "pg_stat_statements_seconds_total"
_ROWS = "pg_stat_statements_rows_total"
_TEXT = "pg_stat_statements_query_id"
_HITS = "redis_keyspace_hits_total"
_REDIS = {
    "misses": "redis_keyspace_misses_total",
    "memory_used_bytes": "redis_memory_used_bytes",
    "memory_limit_bytes": "redis_memory_max_bytes",
    "evicted_keys": "redis_evicted_keys_total",
    "expired_keys": "redis_expired_keys_total",
}
_BLOCKS_HIT = "pg_stat_database_blks_hit"
_BLOCKS_READ = "pg_stat_database_blks_read"
NAMES = (
    *(_CALLS, _SECONDS, _ROWS, _TEXT, _HITS, _BLOCKS_HIT, _BLOCKS_READ),
    *_REDIS.values(),
)
"""The series that these lists are made from."""


def metrics(line: Line) -> Iterator[dict[str, Any]]:
    """Yield each series of a KPI with its value, limit and verdict."""
    for row in line.rows:
        yield {
            "kpi": line.kpi.id,
            "title": line.kpi.title,
            "unit": str(line.kpi.unit),
            "labels": {name: value for name, value in row.labels.items() if value},
            "value": row.value,
            "limit": row.limit,
            "verdict": str(row.verdict),
        }


def statements(page: Page) -> list[dict[str, Any]]:
    """Return each statement with its cost since the exporter started, slowest first.

    `query` is None where the configuration keeps texts back (`statements.text`).
    """
    texts = {
        (found["target"], found["queryid"]): found["query"]
        for found in map(dict, page.get(_TEXT, {}))
    }
    found = []
    for labels, calls in page.get(_CALLS, {}).items():
        named = dict(labels)
        if named["queryid"] == "other" or not calls:
            continue
        seconds = page.get(_SECONDS, {}).get(labels, 0.0)
        found.append(
            {
                **named,
                "query": texts.get((named["target"], named["queryid"])),
                "calls": calls,
                "seconds": seconds,
                "mean_seconds": seconds / calls,
                "rows": page.get(_ROWS, {}).get(labels),
            }
        )
    return sorted(found, key=lambda each: -each["mean_seconds"])


def caches(page: Page) -> list[dict[str, Any]]:
    """Return each Redis, and the shared buffers of each database of PostgreSQL.

    Counts are since the server's own start or reset; a rate of nothing is None.
    """
    found: list[dict[str, Any]] = []
    for labels, hits in page.get(_HITS, {}).items():
        named = {key: page.get(name, {}).get(labels) for key, name in _REDIS.items()}
        cache = {"source": "redis", **dict(labels), "hits": hits, **named}
        found.append({**cache, "hit_rate": _rate(hits, named["misses"])})
    for labels, hits in page.get(_BLOCKS_HIT, {}).items():
        read = page.get(_BLOCKS_READ, {}).get(labels)
        cache = {"source": "postgres", **dict(labels), "hits": hits, "misses": read}
        found.append({**cache, "hit_rate": _rate(hits, read)})
    return found


def _rate(hits: float, misses: float | None) -> float | None:
    return hits / (hits + misses) if misses is not None and hits + misses else None
