"""Every error a user can meet, and the closed set of reasons a poll can fail for."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a poll failed; the value of the label `reason`, so the set is closed."""

    CONNECT = "connect"
    AUTH = "auth"
    PERMISSION = "permission"
    TIMEOUT = "timeout"
    LOCK = "lock"
    STARTING = "starting"
    LIMIT = "limit"
    UNSUPPORTED = "unsupported"
    PROTOCOL = "protocol"
    QUERY = "query"
    INTERNAL = "internal"


class KpiExporterError(Exception):
    """The root of all errors that are for the reader; its text never holds a secret."""


class ConfigError(KpiExporterError):
    """The configuration cannot be used; one line per problem, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        """Keep every problem, so that one run reports all of them."""
        super().__init__("\n".join(problems))
        self.problems = problems


class SourceError(KpiExporterError):
    """A source could not be reached or refused to answer.

    `answered` says that the server itself spoke: the target is up although this read
    failed, and its connection may be kept. `fix` is the statement or the setting that
    would make the read work.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        answered: bool = False,
        fix: str | None = None,
    ) -> None:
        """Say what failed in words for the reader, without secrets."""
        super().__init__(message)
        self.reason = reason
        self.answered = answered
        self.fix = fix
