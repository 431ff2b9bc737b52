"""The sidecar's own process through prometheus-client: build, memory, calls."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from exporter import __version__
from exporter.exposition import Page


class Own:
    """The registry that every part adds its `kpi_sidecar_*` metrics to."""

    def __init__(self) -> None:
        """Begin with what is there without any part."""
        registry = self.registry = CollectorRegistry()
        _describe(registry)
        self._ready = Gauge(
            "kpi_sidecar_ready",
            "Whether nothing is wrong that the sidecar looks after; see /-/ready.",
            registry=registry,
        )
        self._calls = Counter(
            "kpi_sidecar_webhook_calls_total",
            "Calls of Alertmanager, by what they were answered.",
            ["answer"],
            registry=registry,
        )
        self._alerts = Counter(
            "kpi_sidecar_webhook_alerts_total",
            "Alerts in the calls that were acknowledged.",
            registry=registry,
        )
        self._unread = Counter(
            "kpi_sidecar_webhook_unread_alerts_total",
            "Alerts in the calls that were acknowledged that could not be read and are "
            "not stored.",
            registry=registry,
        )
        self.checks = Gauge(
            "kpi_sidecar_check_success",
            "Whether what the sidecar looks after was well when it last looked.",
            ["check"],
            registry=registry,
        )
        for answer in ("stored", "refused", "failed"):
            self._calls.labels(answer)

    def called(self, answer: str, alerts: int = 0, unread: int = 0) -> None:
        """Take note of a call: stored, refused (no such thing) or failed (503)."""
        self._calls.labels(answer).inc()
        self._alerts.inc(alerts)
        self._unread.inc(unread)

    def page(self, *, ready: bool) -> Page:
        """Return all metrics in text format 0.0.4."""
        self._ready.set(int(ready))
        return Page([generate_latest(self.registry)])


def _describe(registry: CollectorRegistry) -> None:
    """Add what is known of the process, and its version."""
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    Gauge(
        "kpi_sidecar_build_info",
        "The version of the sidecar; always 1.",
        ["version"],
        registry=registry,
    ).labels(__version__).set(1)
