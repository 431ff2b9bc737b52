"""The one error boundary of a poll: run it, time it, say what came of it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.errors import Reason, SourceError
from exporter.secret import mask

if TYPE_CHECKING:
    from exporter.collector import AnyCollector
    from exporter.evidence import Evidence
    from exporter.exposition import Rendered, Renderer
    from exporter.sources.base import Source

_SUMMARY_EVERY = 600.0

log = logging.getLogger(__name__)


class Failure(NamedTuple):
    """Why a poll gave nothing; `answered` says that the server itself refused."""

    reason: Reason
    message: str
    answered: bool = False
    fix: str | None = None


class Outcome(NamedTuple):
    """What came of one poll, the seconds it took, and tables that name causes."""

    result: Rendered | Failure
    seconds: float
    evidence: tuple[Evidence, ...] = ()


async def poll(
    collector: AnyCollector, source: Source[Any], state: Any, renderer: Renderer
) -> Outcome:
    """Run one collector against one target; never raises but for cancellation."""
    started = time.monotonic()
    result: Rendered | Failure
    evidence: tuple[Evidence, ...] = ()
    try:
        rows = await source.run(collector.read, source.config.deadline)
        result = renderer.render(collector.samples(rows, state))
        if collector.evidence:
            evidence = tuple(collector.evidence(rows))
    except SourceError as error:
        result = failure(error)
    except Exception as error:
        log.debug("collector failed", exc_info=True)
        text = mask(f"{type(error).__name__}: {error}")
        result = Failure(Reason.INTERNAL, text, answered=True)
    return Outcome(result, time.monotonic() - started, evidence)


def failure(error: SourceError) -> Failure:
    """Keep what a reader may know of an error."""
    return Failure(error.reason, mask(str(error)), error.answered, error.fix)


class FailureLog:
    """Logs a first failure, each new reason, a summary now and then, and recovery."""

    def __init__(self, **subject: str) -> None:
        self._subject = subject
        self._since: float | None = None
        self._summed = 0.0
        self._count = 0
        self._said: set[Reason] = set()

    def failed(self, why: Failure, now: float) -> None:
        """Take note of one failure at `now` (monotonic seconds)."""
        fields = {**self._subject, "reason": why.reason, "error": why.message}
        self._count += 1
        self._since = now if self._since is None else self._since
        if why.reason not in self._said:
            self._summed = now
            self._said.add(why.reason)
            if why.fix:
                fields["fix"] = why.fix
            log.warning("poll failed", extra={"fields": fields})
        elif now - self._summed >= _SUMMARY_EVERY:
            self._summed = now
            fields["failures"] = str(self._count)
            fields["for_seconds"] = f"{now - self._since:.0f}"
            log.warning("poll still fails", extra={"fields": fields})

    def worked(self, now: float) -> None:
        """Take note of a success; says so only after a failure."""
        if self._since is None:
            return
        fields = {
            **self._subject,
            "failures": str(self._count),
            "for_seconds": f"{now - self._since:.0f}",
        }
        log.info("poll works again", extra={"fields": fields})
        self._since = None
        self._said.clear()
        self._count = 0
