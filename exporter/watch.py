"""A collector at a target: its settings, its state, and what came of its polls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.collector import Cost
from exporter.exposition import Renderer
from exporter.poll import Failure, FailureLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.collector import AnyCollector
    from exporter.config import Target
    from exporter.errors import Reason


@dataclass(slots=True)
class Watch:
    """A collector at a target: its state between polls and what came of them."""

    collector: AnyCollector
    interval: float
    renderer: Renderer
    log: FailureLog
    state: Any
    started: float | None = None
    seconds: float | None = None
    last_success: float | None = None
    polls: int = 0
    skipped: int = 0
    series: int = 0
    dropped: int = 0
    failures: Counter[Reason] = field(default_factory=Counter)
    failure: Failure | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the latest poll worked; None before the first one."""
        if self.failure is not None:
            return False
        return True if self.last_success is not None else None


def watches_of(config: Target, collectors: Sequence[AnyCollector]) -> list[Watch]:
    """Make the enabled collectors' watches, cheap ones first."""
    watches: list[Watch] = []
    for collector in sorted(collectors, key=lambda c: (c.cost is Cost.COSTLY, c.name)):
        settings = config.collectors.get(collector.name)
        if settings and not settings.enabled:
            continue
        own = max(collector.interval or 0.0, config.interval)
        interval = settings.interval if settings and settings.interval else own
        log = FailureLog(target=config.name, collector=collector.name)
        renderer = Renderer(config.name, config.series_limit)
        watches.append(Watch(collector, interval, renderer, log, collector.state()))
    return watches
