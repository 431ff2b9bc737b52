"""What counts as an arrival, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.config_load import load
from exporter.sidecar.delivery import Delivery
from exporter.sidecar.followed import Followed
from exporter.sidecar.own import Own
from exporter.sidecar.payload import Payload, parse

if TYPE_CHECKING:
    from pathlib import Path

WALL = 1580637600.0
LAST = "kpi_sidecar_watchdog_last_arrival_timestamp_seconds"
AGE = "kpi_sidecar_watchdog_delivery_seconds"
COUNT = "kpi_sidecar_delivery_seconds_count"


class World:
    """The part with a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        file = folder / "kpi.yaml"
        file.write_text(
            'sidecar: {alertmanagers: ["http://a:1"], watchdog: {interval: 1m}}\n'
        )
        self.wall = WALL
        self.own = Own()
        followed = Followed(file, lambda: load(file), self.own)
        settings = followed.config.sidecar
        assert settings
        self.part = Delivery(followed, settings, self.own, lambda: self.wall)

    def value(self, name: str) -> float:
        found = self.own.registry.get_sample_value(name)
        assert found is not None
        return found


def call(name: str, evaluated: str | None, **changed: Any) -> Payload:
    annotations = {} if evaluated is None else {"evaluated_at": evaluated}
    alert = {
        "status": "firing",
        "labels": {"alertname": name, "instance": "http://a:1"},
        "annotations": annotations,
        "startsAt": "2020-02-02T10:00:00Z",
        "fingerprint": name,
        **changed,
    }
    return parse({"alerts": [alert]})


async def test_a_repeated_watchdog_counts_only_when_it_was_evaluated_anew(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    seen = []
    for wall, evaluated in (
        (1, str(WALL)),
        (61, str(WALL)),
        (121, str(WALL + 120)),
        (130, None),
        (140, "soon"),
    ):
        world.wall = WALL + wall
        await world.part.received(call("Watchdog", evaluated))
        seen.append((world.value(LAST) - WALL, world.value(AGE)))
    assert seen == [(1, 1), (1, 1), (121, 1), (130, 1), (140, 1)]


async def test_the_end_of_a_watchdog_is_no_arrival(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.part.received(call("Watchdog", None, status="resolved"))
    assert world.value(LAST) == 0


async def test_new_alerts_are_timed_once_and_probes_are_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.wall = WALL + 5
    for _ in range(2):
        await world.part.received(call("Full", None))
        await world.part.received(call("KpiSidecarProbe", None))
    await world.part.received(call("Old", None, startsAt="2020-01-02T10:00:00Z"))
    assert world.value(COUNT) == 1
    assert world.value("kpi_sidecar_delivery_seconds_sum") == 5
