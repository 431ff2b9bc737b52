"""Our own process through prometheus-client: build, memory, CPU, reloads."""

from __future__ import annotations

import time

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from exporter import __version__
from exporter.exposition import Page

_FRESH = 10.0  # seconds for which a rendered page serves everybody, if nothing happens


class OwnMetrics:
    """The registry of the process, and its page: rendered after polls, or when old."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        Gauge(
            "kpi_exporter_build_info",
            "The version of kpi-exporter; always 1.",
            ["version"],
            registry=registry,
        ).labels(__version__).set(1)
        self._reloaded = Gauge(
            "kpi_exporter_config_last_reload_successful",
            "Whether the latest attempt to load the configuration worked.",
            registry=registry,
        )
        self._reloaded_at = Gauge(
            "kpi_exporter_config_last_reload_success_timestamp_seconds",
            "Unix time at which the configuration was last loaded.",
            registry=registry,
        )
        self._page = Page([])
        self._rendered = float("-inf")

    def reloaded(self, *, worked: bool) -> None:
        """Take note of an attempt to load the configuration."""
        self._reloaded.set(int(worked))
        self.renew()
        if worked:
            self._reloaded_at.set_to_current_time()

    def renew(self) -> None:
        """Let the next page be a new one; a new one changes the whole page."""
        self._rendered = float("-inf")

    def page(self) -> Page:
        """Return the process' metrics in text format 0.0.4."""
        now = time.monotonic()
        if now - self._rendered > _FRESH:
            self._page = Page([generate_latest(self._registry)])
            self._rendered = now
        return self._page
