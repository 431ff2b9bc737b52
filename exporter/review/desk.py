"""Takes the reviews that are asked for by HTTP: one at a time, at targets in reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config import PostgresTarget
from exporter.review.answer import review
from exporter.review.shape import Refusal, ReviewError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.review.shape import Answer, Asked
    from exporter.target import TargetPoller

_SWITCHED_OFF = "planning is switched off: set plans: {enabled: true} for this target"


class Desk:
    """Where reviews are asked for; a second one is told to come again."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._busy = False

    async def review(self, asked: Asked, targets: Mapping[str, TargetPoller]) -> Answer:
        """Review one text; raises ReviewError.

        A target that is known to be down is not tried: three failed logins lock a user
        of Neo4j for everybody.
        """
        poller = targets.get(asked.target) if asked.target else None
        if asked.target and poller is None:
            known = ", ".join(targets)
            what = f"no target {asked.target[:100]!r}; there are {known}"
            raise ReviewError(Refusal.UNKNOWN_TARGET, what)
        if self._busy:
            raise ReviewError(Refusal.BUSY, "another review runs; try again soon")
        self._busy = True
        try:
            if poller is None:
                return await review(asked, None)
            return await review(asked, poller.config, _unplanned(poller))
        finally:
            self._busy = False


def _unplanned(poller: TargetPoller) -> str:
    """Say why a target is not asked for plans; nothing when it may be."""
    if poller.up is not True:
        return f"the target is not up: {poller.why.reason if poller.why else 'unknown'}"
    config = poller.config
    if isinstance(config, PostgresTarget) and not config.plans.enabled:
        return _SWITCHED_OFF
    return ""
