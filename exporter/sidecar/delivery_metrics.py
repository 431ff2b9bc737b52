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
        self.watchdog = _gauge(
            own,
            "watchdog_last_arrival_timestamp_seconds",
            "Unix time at which the Watchdog last arrived at the webhook (0: never).",
        )
        self.age = _gauge(
            own,
            "watchdog_delivery_seconds",
            "Seconds from the evaluation that the latest Watchdog call speaks of, by "
            "Prometheus' clock (annotation evaluated_at), to its arrival by ours; it "
            "has the waits of resending and grouping in it.",
        )
        self.delay = Histogram(
            "kpi_sidecar_delivery_seconds",
            "Seconds from the evaluation at which an alert began to fire, by "
            "Prometheus' clock (startsAt), to its first arrival by ours, grouping and "
            "silences included.",
            buckets=_BOUNDS,
            registry=own.registry,
        )
        self.calls = _calls(own)
        of_each = "alertmanager"
        text = "Whether the Alertmanager answers."
        self.up = _gauge(own, "alertmanager_up", text, of_each)
        text = "Members of its cluster that it sees, itself included."
        self.peers = _gauge(own, "alertmanager_peers", text, of_each)
        text = "Whether the latest probes through it came back within the interval."
        self.forwards = _gauge(own, "alertmanager_forwards", text, of_each)
        text = "Critical alerts that fire and are hidden, by silenced or inhibited."
        self._hidden = _gauge(own, "hidden_alerts", text, "how")
        text = "Active silences that hide a critical alert, or would if it fired."
        self._silences = _gauge(own, "hiding_silences", text)
        self.hide(())

    def hide(self, hidden: Iterable[Hidden]) -> None:
        """Take what is hidden now."""
        found = list(hidden)
        for how in ("silenced", "inhibited"):
            firing = sum(each.firing and each.how == how for each in found)
            self._hidden.labels(how).set(firing)
        self._silences.set(sum(not each.firing for each in found))


def _gauge(own: Own, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"kpi_sidecar_{name}", text, labels, registry=own.registry)


def _calls(own: Own) -> Counter:
    calls = Counter(
        "kpi_sidecar_dead_man_calls_total",
        "Calls to the second way: what was told (lost, well), whether it worked.",
        ["status", "result"],
        registry=own.registry,
    )
    for status in Status:
        for result in ("worked", "failed"):
            calls.labels(status, result)
    return calls
