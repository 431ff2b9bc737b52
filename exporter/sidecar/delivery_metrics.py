"""What the delivery proof says in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from exporter.sidecar.watch import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.sidecar.own import Own
    from exporter.sidecar.silences import Hidden

_BOUNDS = (0.5, 1, 2.5, 5, 10, 15, 30, 45, 60, 90, 120, 180, 300, 600, 1800)


class DeliveryMetrics:
    """The `kpi_sidecar_*` series of the way from a rule to a receiver."""

    def __init__(self, own: Own) -> None:
        """Declare them, with 0 where nothing has happened."""
        registry = own.registry
        self.watchdog = Gauge(
            "kpi_sidecar_watchdog_last_arrival_timestamp_seconds",
            "Unix time at which the Watchdog last arrived at the webhook (0: never).",
            registry=registry,
        )
        self.age = Gauge(
            "kpi_sidecar_watchdog_delivery_seconds",
            "Seconds from the evaluation that the latest Watchdog call speaks of, by "
            "Prometheus' clock (annotation evaluated_at), to its arrival by ours; it "
            "has the waits of resending and grouping in it.",
            registry=registry,
        )
        self.delay = Histogram(
            "kpi_sidecar_delivery_seconds",
            "Seconds from the evaluation at which an alert began to fire, by "
            "Prometheus' clock (startsAt), to its first arrival by ours, grouping and "
            "silences included.",
            buckets=_BOUNDS,
            registry=registry,
        )
        self.calls = Counter(
            "kpi_sidecar_dead_man_calls_total",
            "Calls to the second way: what was told (lost, well), whether it worked.",
            ["status", "result"],
            registry=registry,
        )
        for status in Status:
            for result in ("worked", "failed"):
                self.calls.labels(status, result)
        self.up = self._of_each(own, "up", "Whether the Alertmanager answers.")
        self.peers = self._of_each(
            own, "peers", "Members of its cluster that it sees, itself included."
        )
        self.forwards = self._of_each(
            own,
            "forwards",
            "Whether the latest probes through it came back within the interval.",
        )
        self._hidden = Gauge(
            "kpi_sidecar_hidden_alerts",
            "Critical alerts that fire and are hidden, by silenced or inhibited.",
            ["how"],
            registry=registry,
        )
        self._silences = Gauge(
            "kpi_sidecar_hiding_silences",
            "Active silences that hide a critical alert, or would if it fired.",
            registry=registry,
        )
        self.hide(())

    def hide(self, hidden: Iterable[Hidden]) -> None:
        """Take what is hidden now."""
        found = list(hidden)
        for how in ("silenced", "inhibited"):
            firing = sum(each.firing and each.how == how for each in found)
            self._hidden.labels(how).set(firing)
        self._silences.set(sum(not each.firing for each in found))

    @staticmethod
    def _of_each(own: Own, name: str, text: str) -> Gauge:
        labels = ["alertmanager"]
        full = f"kpi_sidecar_alertmanager_{name}"
        return Gauge(full, text, labels, registry=own.registry)
