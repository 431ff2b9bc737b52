"""The sound part of a refused configuration, so that promises are judged, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collector import SourceKind
from exporter.config import Config

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.yaml_file import Location

_NAMED = {"applications": {"selector": 'job!=""'}, "kpis": {}}
"""What is made of an entry whose name alone can be used."""


def sound(merged: dict[str, Any], refused: Collection[Location]) -> Config:
    """Return profile, applications and KPIs without what the model refused in them.

    Targets are there by their names alone, and so is an application or a KPI of which
    nothing else can be used.
    """
    judged = ("profile", *_NAMED)
    rest = {key: merged[key] for key in judged if key in merged}
    kept = _without(rest, (), refused)
    for key, least in _NAMED.items():
        given = merged.get(key)
        if key in kept and isinstance(given, dict):
            kept[key] = {name: {**least, **kept[key].get(name, {})} for name in given}
    names = {
        str(kind): dict.fromkeys(targets)
        for kind in SourceKind
        if isinstance(targets := merged.get(kind), dict)
    }
    return Config.model_validate(kept).model_copy(update=names)


def _without(value: Any, place: Location, refused: Collection[Location]) -> Any:
    """Copy a mapping without the keys under which something refused is found.

    A list of which one item is refused goes as a whole, lest the others change places.
    """
    if not isinstance(value, dict):
        return value
    return {
        key: _without(inner, (*place, key), refused)
        for key, inner in value.items()
        if not any(_is_it(each, (*place, key), inner) for each in refused)
    }


def _is_it(refused: Location, place: Location, value: Any) -> bool:
    if refused == place:
        return True
    return not isinstance(value, dict) and refused[: len(place)] == place
