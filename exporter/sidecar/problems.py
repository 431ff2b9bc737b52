"""What is not well: for /-/ready, as a metric, and in the log once each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.sidecar.own import Own

_SHOWN = 20  # of one check; a Prometheus that has nothing lacks hundreds of series

_log = logging.getLogger(__name__)


class Problems:
    """Problems by check; a check without any is well."""

    def __init__(self, own: Own, checks: Iterable[str]) -> None:
        """Begin with checks that nobody has made yet, which is a problem too."""
        self._own = own
        self._found: dict[str, list[str]] = {}
        for check in checks:
            self.wait(check)

    def wait(self, check: str) -> None:
        """Take note that a check is still to be made, which is not worth a log line."""
        self._found[check] = [f"{check}: not looked at yet"]
        self._own.checks.labels(check).set(0)

    def set(self, check: str, found: Sequence[str]) -> None:
        """Take note of what a check found, and log what is new of it."""
        before, now = self._found[check], [f"{check}: {each}" for each in found]
        if len(now) > _SHOWN:
            now = [*now[:_SHOWN], f"{check}: and {len(now) - _SHOWN} more"]
        for problem in now:
            if problem not in before:
                fields = {"problem": problem}
                _log.warning("something is not well", extra={"fields": fields})
        if before and not now:
            _log.info("well", extra={"fields": {"check": check}})
        self._found[check] = now
        self._own.checks.labels(check).set(int(not now))

    def of(self, check: str) -> list[str]:
        """Return what a check found."""
        return self._found[check]

    def all(self) -> list[str]:
        """Return what all of them found."""
        return [problem for found in self._found.values() for problem in found]
