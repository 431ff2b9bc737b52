"""The process that parses: bounded by the kernel, killed when late, without secrets.

It reads one request from its standard input as JSON, `{"text", "dialect"}`, writes one
answer to its standard output, and ends. It opens nothing and knows no server.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.review.shape import (
    PARSE_MEMORY_BYTES,
    PARSE_SECONDS,
    UNREADABLE,
    Refusal,
    ReviewError,
)

if TYPE_CHECKING:
    from exporter.review.sql.read import Statement

_DEEPEST = 4000  # calls; Python's own 1000 would refuse 80 parentheses
_LONGEST = 20_000  # characters of a rewrite


def main() -> int:
    """Answer the one request of this process."""
    _bound()
    given = json.loads(sys.stdin.buffer.read())
    try:
        answer = _answer(given["text"], given["dialect"])
    except ReviewError as error:
        place = {"line": error.line, "column": error.column}
        answer = {"error": {"kind": error.kind, "message": str(error), **place}}
    except RecursionError:
        answer = _refused(
            Refusal.TOO_COSTLY, "the text is nested too deeply to be reviewed"
        )
    except MemoryError:
        answer = _refused(
            Refusal.TOO_COSTLY, "the text needs too much memory to be reviewed"
        )
    except Exception as error:  # noqa: BLE001 - the reader is to know that it is our mistake
        what = f"this text brings the review down ({type(error).__name__}); tell us"
        answer = _refused(Refusal.UNREADABLE, what)
    json.dump(answer, sys.stdout)
    return 0


def _bound() -> None:
    """Set limits that no code of this process can lift again."""
    with contextlib.suppress(OSError):  # where memory ends, not the exporter is to go
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    seconds = int(PARSE_SECONDS)
    limits = {
        resource.RLIMIT_CPU: (seconds, seconds),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    if sys.platform == "linux":  # elsewhere it is refused or does nothing
        limits[resource.RLIMIT_AS] = (PARSE_MEMORY_BYTES, PARSE_MEMORY_BYTES)
    for which, limit in limits.items():
        resource.setrlimit(which, limit)
    sys.setrecursionlimit(_DEEPEST)


def _answer(text: str, dialect: str) -> dict[str, Any]:
    from exporter.review.sql.read import readings

    answers: list[dict[str, Any]] = []
    problems: list[ReviewError] = []
    for one in readings(text, dialect):
        try:
            answers.append(_review(one))
        except ReviewError as error:
            problems.append(error)
            answers.append(_unread(error))
    if len(problems) == len(answers):
        raise problems[0]
    return {"statements": answers}


def _unread(error: ReviewError) -> dict[str, Any]:
    """Return a statement that cannot be parsed; its text could hold anything."""
    return {
        "kind": UNREADABLE,
        "line": error.line,
        "column": error.column,
        "text": "",
        "refused": str(error),
        "findings": [],
        "compared": [],
        "rewrites": [],
        "planned": {"refused": str(error)},
    }


def _review(statement: Statement | ReviewError) -> dict[str, Any]:
    if isinstance(statement, ReviewError):
        raise statement
    from exporter.review.sql.compared import compared
    from exporter.review.sql.rewrite import rewrites
    from exporter.review.sql.rules import findings

    place = statement.place(statement.tree)
    return {
        "kind": statement.kind,
        "line": place.line,
        "text": statement.sql(statement.tree),
        "findings": [
            {**one._asdict(), "place": None, **one.place._asdict()}
            for one in findings(statement)
        ],
        "compared": [
            one._asdict() | {"pairs": [pair._asdict() for pair in one.pairs]}
            for one in compared(statement)
        ],
        "rewrites": [
            one._asdict() | {"planned": _planned(statement, one.text)}
            for one in rewrites(statement)
            if len(one.text) <= _LONGEST
        ],
        "planned": _planned(statement, None),
    }


def _planned(statement: Statement, text: str | None) -> dict[str, Any]:
    """Return what may be sent to a planner, of the statement or a rewrite of it."""
    from exporter.review.sql.read import statements
    from exporter.review.sql.safe import Unsafe, plannable

    try:
        one = statement if text is None else statements(text, statement.dialect)[0]
        return plannable(one)._asdict()
    except Unsafe as error:
        return {"refused": str(error)}


def _refused(kind: Refusal, message: str) -> dict[str, Any]:
    place = {"line": None, "column": None}
    return {"error": {"kind": kind, "message": message, **place}}
