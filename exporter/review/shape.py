"""What a review is asked, what bounds it, and why it is refused."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, NamedTuple

from exporter.errors import KpiExporterError

Answer = dict[str, Any]

_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")

PATH = "/api/mcp/performance/analyze"
MOST_BYTES = 200_000
"""Bytes of UTF-8 that a text to review may have."""

MOST_STATEMENTS = 100
"""Statements of one text that are reviewed; more are refused."""

MOST_PLANNED = 10
"""Statements of one text that are planned."""

MOST_CHARACTERS_PLANNED = 20_000
"""A longer statement is reviewed and not planned."""

PARSE_SECONDS = 6.0
"""Wall time after which the parsing process is killed; its CPU time is bounded too."""

PARSE_MEMORY_BYTES = 128 * 1024 * 1024
"""Address space of the parsing process, by the kernel (RLIMIT_AS, on Linux).

A statement of 20,000 characters takes 40 MiB; with the exporter beside it, it fits into
the 256 MiB that deploy/kubernetes.yaml gives both.
"""

PLAN_MILLISECONDS = 1000
"""statement_timeout of one plan, in the server."""

LOCK_MILLISECONDS = 50
"""lock_timeout of one plan: a locked table is not waited for."""


UNREADABLE = "unreadable"
"""The kind of a statement that cannot be parsed, beside others that can."""


class Dialect(StrEnum):
    """Languages that are reviewed."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    SQLITE = "sqlite"
    CYPHER = "cypher"


class Asked(NamedTuple):
    """One request: a text, its language, and the target to plan it at.

    Without a language it is that of the target, else PostgreSQL's. `literals` keeps
    the literals in the texts of the answer; else each is a `?`.
    """

    text: str
    dialect: Dialect | None = None
    target: str | None = None
    literals: bool = False


class Refusal(StrEnum):
    """Why there is no review; whoever answers by HTTP gives each its status."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    NO_QUERY = "no_query"
    TOO_COSTLY = "too_costly"
    UNKNOWN_TARGET = "unknown_target"
    BUSY = "busy"


class ReviewError(KpiExporterError):
    """There is no review of this text, in words for the reader without its literals.

    `line` and `column` count from 1 where a place in the text is known.
    """

    def __init__(
        self,
        kind: Refusal,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        """Say what was wrong with what was asked."""
        super().__init__(message)
        self.kind = kind
        self.line = line
        self.column = column


def bounds() -> Answer:
    """Return the limits that held, as each answer says them."""
    return {
        "text_bytes": MOST_BYTES,
        "statements": MOST_STATEMENTS,
        "parse_seconds": PARSE_SECONDS,
        "parse_memory_bytes": PARSE_MEMORY_BYTES,
        "planned_statements": MOST_PLANNED,
        "planned_characters": MOST_CHARACTERS_PLANNED,
        "plan_seconds": PLAN_MILLISECONDS / 1000,
        "lock_seconds": LOCK_MILLISECONDS / 1000,
    }


def check_text(content: bytes) -> str:
    """Return a text to review, or raise ReviewError: too large, binary, empty."""
    if len(content) > MOST_BYTES:
        what = f"the text has more than {MOST_BYTES} bytes; give single statements"
        raise ReviewError(Refusal.TOO_LARGE, what)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"the text is not UTF-8 (byte {error.start + 1})"
        raise ReviewError(Refusal.MALFORMED, what) from error
    if found := _BINARY.search(text):
        what = f"the text is binary: it has the byte {ord(found[0])} in it"
        raise ReviewError(Refusal.MALFORMED, what)
    if not text.strip():
        raise ReviewError(Refusal.MALFORMED, "there is no statement in the text")
    return text
