"""Remembers a login that failed, since three failures lock the user for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from exporter.config import Neo4jTarget

_HOLD = 300.0
_HOLD_LOCKED = 15.0  # a locked user is free after 5 s; our tries do not count then


@dataclass(slots=True)
class FailedLogin:
    """The latest failure: with which secret, why, and how long to leave it alone."""

    secret: str | None = None
    message: str = ""
    fix: str | None = None
    until: float = 0.0

    def note(self, secret: str | None, error: SourceError, now: float) -> None:
        """Remember a failure; `now` is in monotonic seconds."""
        locked = "AuthenticationRateLimit" in str(error)
        self.secret, self.message, self.fix = secret, str(error), error.fix
        self.until = now + (_HOLD_LOCKED if locked else _HOLD)

    def check(self, secret: str | None, now: float) -> None:
        """Raise the same SourceError again if this secret is not to be tried yet."""
        if secret == self.secret and now < self.until:
            raise SourceError(Reason.AUTH, self.message, fix=self.fix)


_known: dict[tuple[str, str, str | None], FailedLogin] = {}


def failed_login(config: Neo4jTarget) -> FailedLogin:
    """Return what is remembered of a target; a reload that opens it anew keeps it."""
    place = (config.name, config.uri, config.user)
    return _known.setdefault(place, FailedLogin())
