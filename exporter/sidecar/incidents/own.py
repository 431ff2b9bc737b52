"""What the sidecar says of its incidents in its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

    from exporter.sidecar.incidents.take import Taken


class Counts:
    """The metrics of incidents and of who is told about them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Add them to the sidecar's own."""
        self._incidents = Counter(
            "kpi_sidecar_incidents_total",
            "Incidents that began and ended, and alerts that said nothing new (known).",
            ["event"],
            registry=registry,
        )
        for event in ("opened", "closed", "known"):
            self._incidents.labels(event)
        self._forgotten = Counter(
            "kpi_sidecar_incidents_forgotten_total",
            "Incidents removed because they are old or the file is too large.",
            registry=registry,
        )
        self._backlog = Gauge(
            "kpi_sidecar_receiver_backlog",
            "Beginnings and ends that the receiver has not been told of yet.",
            ["receiver"],
            registry=registry,
        )
        self._tries = Counter(
            "kpi_sidecar_receiver_messages_total",
            "Messages by how it went: sent, failed (tried again), given_up (refused).",
            ["receiver", "result"],
            registry=registry,
        )

    def receiver(self, name: str) -> None:
        """Have a receiver's series from the start."""
        for result in ("sent", "failed", "given_up"):
            self._tries.labels(name, result)

    def took(self, taken: Taken) -> None:
        """Count what alerts were."""
        for event, count in taken._asdict().items():
            self._incidents.labels(event).inc(count)

    def forgot(self, incidents: int) -> None:
        """Count what was removed."""
        self._forgotten.inc(incidents)

    def tried(self, receiver: str, result: str) -> None:
        """Count a try to tell a receiver."""
        self._tries.labels(receiver, result).inc()

    def waits(self, backlog: Mapping[str, int]) -> None:
        """Say how much receivers have not been told yet."""
        for name, count in backlog.items():
            self._backlog.labels(name).set(count)
