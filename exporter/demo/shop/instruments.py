"""What the shop publishes about itself, in two namings."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# One boundary exactly at every promise of every profile: a quantile near a limit must
# not be interpolated across it.
_REQUEST = (
    *(0.001, 0.0025, 0.005, 0.007, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1),
    *(0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0),
)
_QUERY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
_WEBSOCKET = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
_TASK = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_EMBEDDING = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Instruments:
    """The application's metrics, in the Prometheus and the OpenTelemetry naming."""

    def __init__(self) -> None:
        """Make an own registry: nothing of the process's default one leaks in."""
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = CollectorRegistry()
        self._requests()
        self._work()

    def _requests(self) -> None:
        labels = ("method", "path", "status")
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from request to answer, in seconds, per route and status.",
            labels,
            buckets=_REQUEST,
            registry=self.registry,
        )
        self._total = Counter(
            "http_requests_total", "Requests answered.", labels, registry=self.registry
        )
        self._otel = Histogram(
            "http_server_request_duration_seconds",
            "http.server.request.duration of OpenTelemetry, in seconds.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_REQUEST,
            registry=self.registry,
        )
        self.connections = Gauge(
            "current_connections",
            "Requests and websockets being served now.",
            registry=self.registry,
        )
        self.limited = Counter(
            "rate_limit_hits_total",
            "Requests refused by a rate limit.",
            ("handler",),
            registry=self.registry,
        )
        self.websocket = Histogram(
            "websocket_message_duration_seconds",
            "Time to answer one websocket message, in seconds.",
            buckets=_WEBSOCKET,
            registry=self.registry,
        )

    def _work(self) -> None:
        self._query = Histogram(
            "db_query_duration_seconds",
            "Time a database query took as the application saw it, in seconds.",
            ("query_type", "table"),
            buckets=_QUERY,
            registry=self.registry,
        )
        cache = ("cache_level", "cache_type")
        self.hit = Counter(
            "cache_hit_total", "Found in the cache.", cache, registry=self.registry
        )
        self.miss = Counter(
            "cache_miss_total",
            "Looked for in the cache and not found.",
            cache,
            registry=self.registry,
        )
        self.task = Histogram(
            "task_duration_seconds",
            "Time from a task's creation to its end, in seconds.",
            ("task_type",),
            buckets=_TASK,
            registry=self.registry,
        )
        self.embedding = Histogram(
            "embedding_duration_seconds",
            "Time to make and store one embedding, in seconds.",
            buckets=_EMBEDDING,
            registry=self.registry,
        )

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request in both namings."""
        labels = (method, path, str(status))
        self._total.labels(*labels).inc()
        self._duration.labels(*labels).observe(seconds)
        self._otel.labels(*labels).observe(seconds)

    @contextmanager
    def query(self, query_type: str, table: str) -> Iterator[None]:
        """Measure a query, also one that fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - started
            self._query.labels(query_type, table).observe(took)

    def page(self) -> bytes:
        """Return the exposition in text format 0.0.4."""
        return prometheus_client.generate_latest(self.registry)
