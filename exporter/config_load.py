"""Loads a configuration: from file and command line to checked models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from exporter import collectors
from exporter.collector import SourceKind
from exporter.config import Config
from exporter.config_sound import sound
from exporter.errors import ConfigError
from exporter.explain import emptied, explain
from exporter.yaml_file import Document
from exporter.yaml_file import load as load_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydantic_core import ErrorDetails

    from exporter.yaml_file import Location

_COMMAND_LINE = Document(Path("command line"), {}, {})
_JUDGEMENTS = {"profile", "kpis", "sidecar"}  # a file of these alone polls nobody
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
_NAMES = "1 to 100 of A-Z a-z 0-9 _ . : -"


def load(path: Path | None, given: dict[str, Any] | None = None) -> Config:
    """Read and check a configuration; raises ConfigError with every problem in it.

    `given` are targets and settings of the command line, which win over the file.
    Without a file and without targets the host is exported. Paths in the file start at
    its folder.
    """
    document = load_yaml(path) if path else _COMMAND_LINE
    problems = list(document.problems)
    data = document.data
    if not isinstance(data, dict):
        raise ConfigError([document.problem((), "keys and values are wanted")])
    if path:
        _beside(data, path.parent)
    merged = _merge(data, given or {})
    problems += _unusable_names(document, merged)
    problems += _unknown_collectors(document, merged)
    if not any(merged.get(kind) for kind in SourceKind):
        if path and not problems and not _JUDGEMENTS & merged.keys():
            kinds = ", ".join(SourceKind)
            problems.append(document.problem((), f"no target; add one of {kinds}"))
        merged["host"] = {"local": {}}
    config = _checked(document, merged, given or {}, problems)
    if config is None or problems:
        raise ConfigError(sorted(problems, key=_by_line))
    _promise(config)
    return _named(config)


def _promise(config: Config) -> None:
    """Tell PostgreSQL targets which limits their statements are to be counted at."""
    if config.kpis and config.postgres:
        from exporter import promises

        for name, target in config.postgres.items():
            target.promise(promises.statement_limits(config, name))


def _checked(
    document: Document,
    merged: dict[str, Any],
    given: dict[str, Any],
    problems: list[str],
) -> Config | None:
    """Make the model, or note in `problems` why it cannot be made or used."""
    try:
        config = _model(merged).model_validate(merged)
    except ValidationError as error:
        from exporter.config_sidecar import WithSidecar

        known = error.errors()
        refused = {problem["loc"] for problem in known}
        for problem in known:
            if _said_elsewhere(document, problem):
                continue
            place = _COMMAND_LINE if _is_given(given, problem["loc"]) else document
            problems.append(explain(place, WithSidecar, problem))
        problems += _useless(document, sound(merged, refused), refused)
        return None
    problems += _useless(document, config)
    return config


def _model(data: dict[str, Any]) -> type[Config]:
    """Choose the model that knows all that is there; the larger one seldom is."""
    if "sidecar" not in data:
        return Config
    from exporter.config_sidecar import WithSidecar

    return WithSidecar


def _useless(
    document: Document, config: Config, refused: Collection[Location] = ()
) -> list[str]:
    """Say which promises cannot be judged, or would change nothing."""
    if not config.kpis and not config.applications:
        return []
    from exporter import promises

    return [
        document.problem(place, text)
        for place, text in promises.problems(config, refused)
        if place not in document.unread
    ]


def _merge(data: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = {**data}
    for key, value in given.items():
        old = merged.get(key)
        merged[key] = {**old, **value} if isinstance(old, dict) else value
    return _with_interval(merged)


def _with_interval(data: dict[str, Any]) -> dict[str, Any]:
    """Hand the interval of the top level down to targets without one of their own."""
    default = {key: data[key] for key in ("interval",) if key in data}
    for kind in SourceKind:
        if isinstance(targets := data.get(kind), dict):
            data[kind] = {
                name: {**default, **(settings or {})}
                if isinstance(settings, dict | None)
                else settings
                for name, settings in targets.items()
            }
    return data


def _unusable_names(document: Document, data: dict[str, Any]) -> list[str]:
    """Refuse names that are given twice or cannot stand in a URL and a label."""
    problems: list[str] = []
    seen: dict[str, str] = {}
    for kind in SourceKind:
        targets = data.get(kind)
        for name in targets if isinstance(targets, dict) else ():
            place = (str(kind), name)
            if not _NAME.fullmatch(name):
                text = f"a target's name is {_NAMES}"
                problems.append(document.problem(place, text))
            if name in seen:
                text = f"the name is taken by {seen[name]}.{name}; names are unique"
                problems.append(document.problem(place, text))
            seen[name] = str(kind)
    applications = data.get("applications")
    for name in applications if isinstance(applications, dict) else ():
        if not _NAME.fullmatch(name):
            text = f"an application's name is {_NAMES}"
            problems.append(document.problem(("applications", name), text))
    return problems


def _unknown_collectors(document: Document, data: dict[str, Any]) -> list[str]:
    """Refuse collectors that the target's kind does not have."""
    problems: list[str] = []
    for kind, name, target in _targets(data):
        known = collectors.names(kind)
        chosen = target.get("collectors")
        for collector in chosen if isinstance(chosen, dict) else ():
            if collector not in known:
                text = f"unknown collector; there are {', '.join(known)}"
                place = (str(kind), name, "collectors", collector)
                problems.append(document.problem(place, text))
    return problems


def _targets(data: dict[str, Any]) -> Iterator[tuple[SourceKind, str, dict[str, Any]]]:
    """Give kind, name and settings of each target whose settings are settings."""
    for kind in SourceKind:
        targets = data.get(kind)
        for name, settings in targets.items() if isinstance(targets, dict) else ():
            if isinstance(settings, dict):
                yield kind, name, settings


def _beside(data: dict[str, Any], folder: Path) -> None:
    """Let the paths of a file start at its folder, wherever the exporter starts."""
    targets = list(_targets(data))
    places = [(settings, "password_file") for _, _, settings in targets]
    postgres = SourceKind.POSTGRES
    places += [(settings, "log") for kind, _, settings in targets if kind == postgres]
    web = data.get("web")
    if isinstance(web, dict):
        places.append((web, "config_file"))
    if "sidecar" in data:
        from exporter import config_sidecar

        places += config_sidecar.places(data["sidecar"])
    for settings, key in places:
        if isinstance(path := settings.get(key), str) and path:
            settings[key] = str(folder / path)


def _said_elsewhere(document: Document, problem: ErrorDetails) -> bool:
    """Whether a problem only follows from another one that is reported.

    The value is none, its interval is the top level's, or its entries were refused.
    """
    place = problem["loc"]
    inherited = place[-1:] == ("interval",) and place not in document.lines
    return inherited or emptied(problem) or place in document.unread


def _is_given(given: dict[str, Any], location: Location) -> bool:
    """Whether the value at a place comes from the command line."""
    value: Any = given
    for part in location:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def _by_line(problem: str) -> tuple[int, str]:
    parts = problem.split(":", 2)
    return (int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0, problem)


def _named(config: Config) -> Config:
    for kind in SourceKind:
        for name, target in getattr(config, kind).items():
            target.name_it(name)
    return config
