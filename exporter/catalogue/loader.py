"""Loads the catalogue: every file, every mistake at once, with file, line and key."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.catalogue.model import Subject
from exporter.errors import ConfigError
from exporter.explain import emptied, explain
from exporter.yaml_file import load as load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

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
        try:
            document = load_yaml(path)
            problems += document.problems
            problems += _misplaced(document)
            problems += _repeated(document, seen)
            subjects.append(Subject.model_validate(document.data))
        except ConfigError as error:
            problems += error.problems
        except ValidationError as error:
            problems += [
                explain(document, Subject, each)
                for each in error.errors()
                if not _is_echo(document, each)
            ]
    if problems:
        raise ConfigError(problems)
    return tuple(subjects)


def _is_echo(document: Document, problem: ErrorDetails) -> bool:
    """Whether a problem only follows from another one that is reported.

    Too little is left where what was written is refused; a profile inherits the alerts
    of the default; and its severities are keys, which are checked as such.
    """
    place = tuple(part for part in problem["loc"] if part != "[key]")
    if emptied(problem):
        return True
    if place[2:3] != ("profiles",):
        return False
    return place[5:] == ("severity",) or place[:5] not in document.lines


def _misplaced(document: Document) -> Iterator[str]:
    """Refuse a subject that is not named as its file, which generated files cite."""
    data = document.data
    subject = data.get("subject") if isinstance(data, dict) else None
    if subject is not None and subject != document.path.stem:
        yield document.problem(("subject",), f"must be {document.path.stem}")


def _repeated(document: Document, seen: dict[str, str]) -> Iterator[str]:
    data = document.data
    kpis = data.get("kpis") if isinstance(data, dict) else None
    for index, kpi in enumerate(kpis if isinstance(kpis, list) else ()):
        name = kpi.get("id") if isinstance(kpi, dict) else None
        if name is None:
            continue
        place = ("kpis", index, "id")
        if name in seen:
            text = f"the id {name} is taken in {seen[name]}"
            yield document.problem(place, text)
        seen[name] = f"{document.path.name}:{document.line(place)}"
