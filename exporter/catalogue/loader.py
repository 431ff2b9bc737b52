"""Loads the catalogue: every file, every mistake at once, with file, line and key."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import promql_parser
from pydantic import ValidationError

from exporter.catalogue.applications import Application
from exporter.catalogue.model import Subject
from exporter.errors import ConfigError
from exporter.yaml_file import load as load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from exporter.catalogue.model import Kpi
    from exporter.yaml_file import Document


@cache
def catalogue() -> tuple[Subject, ...]:
    """Return the shipped catalogue, by subject; raises ConfigError."""
    with as_file(files("exporter.catalogue")) as folder:
        return read(sorted(folder.glob("*.yaml")))


def read(paths: Iterable[Path]) -> tuple[Subject, ...]:
    """Read subjects from files; raises ConfigError with every problem in them."""
    problems: list[str] = []
    subjects: list[Subject] = []
    seen: dict[str, str] = {}
    for path in paths:
        document = load_yaml(path)
        problems += document.duplicates
        try:
            subject = Subject.model_validate(document.data)
        except ValidationError as error:
            problems += [
                document.problem(p["loc"], p["msg"].removeprefix("Value error, "))
                for p in error.errors()
            ]
            continue
        problems += _unparsable(document, subject)
        problems += _repeated(document, subject, seen)
        subjects.append(subject)
    if problems:
        raise ConfigError(problems)
    return tuple(subjects)


def _unparsable(document: Document, subject: Subject) -> Iterator[str]:
    for index, kpi in enumerate(subject.kpis):
        for key, expression in expressions(kpi):
            try:
                promql_parser.parse(expression)
            except ValueError as error:
                place = ("kpis", index, key)
                yield document.problem(place, f"is not PromQL: {error}")


def _repeated(
    document: Document, subject: Subject, seen: dict[str, str]
) -> Iterator[str]:
    for index, kpi in enumerate(subject.kpis):
        if kpi.id in seen:
            text = f"the id {kpi.id} is taken in {seen[kpi.id]}"
            yield document.problem(("kpis", index, "id"), text)
        seen[kpi.id] = document.path.name


def expressions(kpi: Kpi) -> Iterator[tuple[str, str]]:
    """Yield every PromQL expression of a KPI with the key it stands under."""
    application = Application()
    yield "expr", application.fill(kpi.expr)
    if kpi.guard:
        yield "guard", application.fill(kpi.guard)
    if kpi.burn:
        names = {"window": "5m", "limit": "1"}
        yield "burn", application.fill(kpi.burn.bad, **names)
        yield "burn", application.fill(kpi.burn.total, **names)
    if kpi.evidence:
        yield "evidence", application.fill(kpi.evidence.expr)
