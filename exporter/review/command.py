"""`kpi-exporter analyze`: reviews a file, at a target if one is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from exporter.errors import KpiExporterError
from exporter.review.answer import review
from exporter.review.shape import (
    MOST_BYTES,
    UNREADABLE,
    Asked,
    Dialect,
    ReviewError,
    check_text,
)
from exporter.review.words import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.config import Config, Target
    from exporter.review.shape import Answer


class Wanted(Protocol):
    """What the command line asks for; `file` is `-` for the standard input."""

    file: str
    target: str | None
    dialect: str | None
    literals: bool
    json: bool


async def analyze(wanted: Wanted, read: Callable[[], Config], out: TextIO) -> int:
    """Print a review; returns 0 without findings, else 1.

    Raises KpiExporterError when the text or the target cannot be used: after what could
    be reviewed is printed, where that is a part.
    """
    target = _target(read(), wanted.target) if wanted.target else None
    try:
        text = check_text(_content(wanted.file))
        asked = Asked(text, _dialect(wanted), wanted.target, wanted.literals)
        answer = await review(asked, target)
    except ReviewError as error:
        place = f":{error.line}:{error.column}" if error.line else ""
        raise KpiExporterError(f"{wanted.file}{place}: {error}") from error
    if wanted.json:
        json.dump(answer, out, indent=2)
        out.write("\n")
    else:
        write(answer, wanted.file, out)
    if unusable := list(_unusable(answer, wanted.file)):
        raise KpiExporterError("\n".join(unusable))
    return int(answer["findings"] > 0)


def _unusable(answer: Answer, file: str) -> Iterator[str]:
    """Yield what could not be reviewed of a text, and why a target did not plan it."""
    for one in answer["statements"]:
        if one["kind"] == UNREADABLE:
            yield f"{file}:{one['line']}:{one['column']}: {one['refused']}"
    if why := answer["unplanned"]:
        yield f"the target {answer['target']} cannot be used: {why}"


def _content(name: str) -> bytes:
    """Read no more of a file than is needed to see that it is too large."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise KpiExporterError(f"{name} cannot be read: {error.strerror}") from error


def _target(config: Config, name: str) -> Target:
    found = next((one for one in config.targets if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in config.targets)
        raise KpiExporterError(f"no target {name!r}; there are {known}")
    return found


def _dialect(wanted: Wanted) -> Dialect | None:
    """Return the language as asked, else by the file's ending."""
    if wanted.dialect:
        return Dialect(wanted.dialect)
    return Dialect.CYPHER if wanted.file.endswith((".cypher", ".cql")) else None
