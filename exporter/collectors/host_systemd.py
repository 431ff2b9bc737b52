"""States of systemd's units, and how often it began services again.

node_systemd_unit_state{name="ssh.service",state="active",type="notify"} 1
node_systemd_unit_state{name="ssh.service",state="failed",type="notify"} 0
node_systemd_service_restart_total{name="ssh.service"} 0

Automounts, devices, mounts, scopes and slices are left out, as node_exporter does. A
machine without systemd shows none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource
    from exporter.sources.host_systemd import Unit

_LEFT_OUT = (".automount", ".device", ".mount", ".scope", ".slice")
_STATES = ("active", "activating", "deactivating", "inactive", "failed")

STATE = gauge(
    "node_systemd_unit_state",
    "ListUnits over D-Bus: 1 for the state that the unit is in, else 0.",
    *("name", "state", "type"),
)
RESTARTS = counter(
    "node_systemd_service_restart_total",
    "NRestarts over D-Bus: number of automatic restarts.",
    "name",
)


async def read(source: HostSource) -> list[Unit] | None:
    """Ask systemd for its units."""
    return await source.units()


def samples(units: Sequence[Unit] | None, state: None) -> Iterator[Sample]:
    """Turn the units into samples."""
    del state
    for unit in units or ():
        if unit.name.endswith(_LEFT_OUT):
            continue
        for name in _STATES:
            yield STATE(int(unit.state == name), unit.name, name, unit.type)
        yield RESTARTS(unit.restarts, unit.name)


COLLECTOR = Collector(
    name="systemd",
    source=SourceKind.HOST,
    metrics=(STATE, RESTARTS),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
    interval=60.0,
)
