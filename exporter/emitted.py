"""Refuses a catalogue that reads what nobody gives: a rule over nothing is silent."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.applications import Application
from exporter.catalogue.loader import read
from exporter.declared import declared
from exporter.errors import ConfigError
from exporter.render.promql import uses
from exporter.render.rules import record_name
from exporter.yaml_file import load as load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exporter.catalogue.model import Kpi
    from exporter.render.promql import Use
    from exporter.yaml_file import Location

_SCRAPED = frozenset(("job", "instance"))
_BURN = {"window": "5m", "limit": "1"}


class Text(NamedTuple):
    """A text of PromQL and where it stands in its KPI."""

    place: Location
    promql: str


def check_shipped() -> None:
    """Check the catalogue of this package; raises ConfigError with every problem."""
    with as_file(files("exporter.catalogue")) as folder:
        check(sorted(folder.glob("*.yaml")))


def check(paths: Sequence[Path]) -> None:
    """Check files of a catalogue; raises ConfigError with file, line and key."""
    problems: list[str] = []
    for path, subject in zip(paths, read(paths), strict=True):
        document = load_yaml(path)
        for index, kpi in enumerate(subject.kpis):
            problems += [
                document.problem(("kpis", index, *place), problem)
                for place, problem in _problems(kpi)
            ]
    if problems:
        raise ConfigError(problems)


def _problems(kpi: Kpi) -> Iterator[tuple[Location, str]]:
    application = Application()
    given = {name: each.labels | _SCRAPED for name, each in declared().items()}
    given |= {n: own | _SCRAPED for n, own in application.declared().items()}
    given["up"] = _SCRAPED
    mine = {record_name(kpi, what) for what in ("", "judged", "evidence")}
    for text in _texts(kpi):
        filled = application.fill(text.promql, **_BURN)
        for use in uses(filled):
            if use.name not in mine:
                yield from ((text.place, problem) for problem in _wrong(use, given))


def _texts(kpi: Kpi) -> Iterator[Text]:
    yield Text(("expr",), kpi.expr)
    if kpi.guard:
        yield Text(("guard",), kpi.guard)
    if kpi.evidence:
        yield Text(("evidence", "expr"), kpi.evidence.expr)
    if kpi.burn:
        yield Text(("burn", "bad"), kpi.burn.bad)
        yield Text(("burn", "total"), kpi.burn.total)


def _wrong(use: Use, given: dict[str, frozenset[str]]) -> Iterator[str]:
    labels = given.get(use.name)
    if labels is None:
        near = get_close_matches(use.name, given)
        meant = f"; there are {', '.join(near)}" if near else ""
        yield f"nobody gives {use.name}{meant}"
        return
    for label in sorted(use.labels - labels):
        there = ", ".join(sorted(labels))
        yield f"{use.name} has no label {label}; there are {there}"
