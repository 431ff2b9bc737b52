"""How hot the machine is, where it has sensors.

node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 48
node_hwmon_temp_crit_celsius{chip="platform_coretemp_0",sensor="temp1"} 100
node_hwmon_sensor_label{chip="…",label="package_id_0",sensor="temp1"} 1
node_thermal_zone_temp{type="x86_pkg_temp",zone="0"} 48
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_CHIPS = "sys/class/hwmon"
_ZONES = "sys/class/thermal"
_SENSOR = re.compile(r"(?P<folder>.*/hwmon\d+)/(?P<sensor>temp\d+)_(?P<what>\w+)")
_ZONE = re.compile(r".*/thermal_zone(?P<zone>\d+)/temp")
_STRANGE = re.compile(r"[^a-z0-9:_]")
_MILLI = 1000

LABELS = ("chip", "sensor")
FIGURES = {
    what: gauge(name, f"/sys/class/hwmon temp_{what}: degrees Celsius.", *LABELS)
    for what, name in (
        ("input", "node_hwmon_temp_celsius"),
        ("max", "node_hwmon_temp_max_celsius"),
        ("crit", "node_hwmon_temp_crit_celsius"),
    )
}
LABEL = gauge(
    "node_hwmon_sensor_label",
    "/sys/class/hwmon: what the sensor measures; always 1.",
    *(*LABELS, "label"),
)
ZONE = gauge(
    "node_thermal_zone_temp",
    "/sys/class/thermal: degrees Celsius of a zone.",
    *("type", "zone"),
)


class Sensors(NamedTuple):
    """The texts of the sensors' files by path, and the device behind each chip."""

    texts: dict[str, str]
    chips: dict[str, str]


async def read(source: HostSource) -> Sensors:
    """Read all sensors of temperature."""
    texts = await source.matching(
        f"{_CHIPS}/hwmon*/name",
        *(f"{_CHIPS}/hwmon*/temp*_{what}" for what in (*FIGURES, "label")),
        *(f"{_ZONES}/thermal_zone*/{what}" for what in ("temp", "type")),
    )
    folders = {found["folder"] for path in texts if (found := _SENSOR.match(path))}
    devices = await source.links(f"{folder}/device" for folder in sorted(folders))
    return Sensors(texts, {f.removesuffix("/device"): d for f, d in devices.items()})


def samples(rows: Sensors, state: None) -> Iterator[Sample]:
    """Turn the sensors into samples; one that gives no number is left out."""
    del state
    for path, text in rows.texts.items():
        if sensor := _SENSOR.match(path):
            labels = (_chip(rows, sensor["folder"]), sensor["sensor"])
            if sensor["what"] == "label":
                yield LABEL(1, *labels, _plain(text.strip()))
            else:
                yield FIGURES[sensor["what"]](_degrees(text), *labels)
        elif zone := _ZONE.match(path):
            kind = rows.texts.get(path.removesuffix("temp") + "type", "").strip()
            yield ZONE(_degrees(text), kind, zone["zone"])


def _chip(rows: Sensors, folder: str) -> str:
    """Name a chip as node_exporter does: by the bus and the device that it is on."""
    device = rows.chips.get(folder, "").split("/")
    if len(device) > 1:
        return "_".join(map(_plain, device[-2:]))
    return _plain(rows.texts.get(f"{folder}/name", folder.rpartition("/")[2]).strip())


def _plain(text: str) -> str:
    return _STRANGE.sub("_", text.lower()).strip("_")


def _degrees(text: str) -> float | None:
    number = text.strip().removeprefix("-")
    return int(text) / _MILLI if number.isdigit() else None


COLLECTOR = Collector(
    name="temperature",
    source=SourceKind.HOST,
    metrics=(*FIGURES.values(), LABEL, ZONE),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
    interval=60.0,
)
