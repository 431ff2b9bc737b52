"""How values and limits are written: by us, and by Prometheus' template functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.catalogue.limits import Unit

if TYPE_CHECKING:
    from exporter.catalogue.model import Kpi

_FILTERS = {
    Unit.SECONDS: " | humanizeDuration",
    Unit.RATIO: " | humanizePercentage",
    Unit.BYTES: " | humanize1024",
    Unit.COUNT: " | humanize",
    Unit.PER_SECOND: " | humanize",
}
_SUFFIXES = {Unit.BYTES: "B", Unit.PER_SECOND: "/s"}
_LARGE = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("", "m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")


def template(unit: Unit) -> str:
    """Write the template that shows `$value` in its unit."""
    return "{{ $value" + _FILTERS[unit] + " }}" + _SUFFIXES.get(unit, "")


def shown(value: float, unit: Unit) -> str:
    """Write a value exactly as the template of its unit does."""
    suffix = _SUFFIXES.get(unit, "")
    if unit is Unit.SECONDS:
        return humanize_duration(value)
    if unit is Unit.RATIO:
        return f"{value * 100:.4g}%"
    if unit is Unit.BYTES:
        return _prefixed(value, 1024.0, _BINARY) + suffix
    return humanize(value) + suffix


def humanize(value: float) -> str:
    """Write as Prometheus' `humanize`: four digits and a metric prefix."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.4g}"
    if abs(value) >= 1:
        return _prefixed(value, 1000.0, _LARGE)
    for prefix in _SMALL:
        if abs(value) >= 1:
            return f"{value:.4g}{prefix}"
        value *= 1000
    return f"{value:.4g}{_SMALL[-1]}"


def humanize_duration(value: float) -> str:
    """Write as Prometheus' `humanizeDuration`: `1d 2h 3m 4s`, or parts of a second."""
    if abs(value) < 1:
        return humanize(value) + "s"
    minus, value = ("-" if value < 0 else ""), abs(value)
    whole = int(value)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{minus}{days}d {hours}h {minutes}m {whole % 60}s"
    if hours:
        return f"{minus}{hours}h {minutes}m {whole % 60}s"
    if minutes:
        return f"{minus}{minutes}m {whole % 60}s"
    return f"{minus}{value:.4g}s"


def promise(kpi: Kpi, limit: float) -> str:
    """Write what was promised: at most, or at least, a limit."""
    least = "at most" if kpi.better == "lower" else "at least"
    return f"{least} {shown(limit, kpi.unit)}"


def alert_name(kpi: Kpi) -> str:
    """Write a KPI's id as the name of its alerts."""
    return "".join(part.capitalize() for part in kpi.id.split("_"))


def _prefixed(value: float, base: float, prefixes: tuple[str, ...]) -> str:
    for prefix in prefixes:
        if abs(value) < base or prefix == prefixes[-1]:
            return f"{value:.4g}{prefix}"
        value /= base
    raise AssertionError
