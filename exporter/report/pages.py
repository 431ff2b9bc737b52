"""Answers a report's questions from the exporter's own page, looked at twice."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from exporter.report.evaluate import (
    FirstLookError,
    Looks,
    NeedsHistoryError,
    evaluate,
)
from exporter.report.judge import Look
from exporter.report.model import Refusal, Series, Source
from exporter.report.questions import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan
    from exporter.check_page import Line
    from exporter.report.absent import Absence
    from exporter.report.evaluate import Page
    from exporter.report.model import Answer
    from exporter.report.questions import Question

POLLED = "kpi_exporter_collector_last_success_timestamp_seconds"
"""Says when each collector was polled last."""
_UNREADABLE = "its expression is none that a page can be asked"
_HISTORY = "needs history, which a page does not have; a Prometheus would tell"
_FIRST = "is a rate between two looks at the page, and this is the first; ask again"
REMARKS = (
    "a promise is broken when it is beyond its limit now, for however short a time",
    "rates are between two looks at the page; trends and budgets need a Prometheus",
)


class Looked(NamedTuple):
    """A page as it was read, and when (seconds of any steady clock)."""

    page: Page
    at: float


def read(lines: Iterable[Line]) -> Page:
    """Arrange a page's samples by name and labels."""
    page: Page = {}
    once: dict[tuple[str, str], tuple[str, str]] = {}  # thousands of lines share labels
    for line in lines:
        labels = frozenset(once.setdefault(each, each) for each in line.labels.items())
        page.setdefault(line.name, {})[labels] = line.value
    return page


def looks(now: Looked, before: Looked | None) -> Looks:
    """Put two looks together; the time between is that between the polls behind them.

    A target that was not polled in between has no rates.
    """
    if before is None:
        return Looks(now.page, {}, {})
    first, second = _polled(before.page), _polled(now.page)
    seconds = {name: at - first[name] for name, at in second.items() if name in first}
    return Looks(now.page, before.page, {**seconds, "": now.at - before.at})


def polled(page: Page) -> float:
    """Return when the latest poll on a page was (Unix time); 0 without any."""
    return max(_polled(page).values(), default=0.0)


def _polled(page: Page) -> dict[str, float]:
    found: dict[str, float] = {}
    for labels, at in page.get(POLLED, {}).items():
        target = dict(labels).get("target", "")
        found[target] = max(at, found.get(target, 0.0))
    return found


class FromPage:
    """Answers questions about this moment."""

    def __init__(
        self,
        plan: Plan,
        found: Looks,
        name: str,
        why: Callable[[Sequence[Kpi]], dict[str, Absence]],
    ) -> None:
        """Take what was seen where; `why` tells why KPIs have no value."""
        end = polled(found.now)
        self.asking = Asking(plan)
        self.look = Look(end, 0.0, 0.0)
        self.source = Source(name, 0.0, end, 0.0, REMARKS)
        self._looks, self._why = found, why

    async def ask(self, question: Question) -> Answer:
        """Evaluate one expression; what needs history is refused."""
        try:
            found = evaluate(question.expression, self._looks)
        except FirstLookError:
            return Refusal(_FIRST, asked=False)
        except NeedsHistoryError:
            return Refusal(_HISTORY, asked=False)
        except (ValueError, re.error):
            return Refusal(_UNREADABLE, asked=False)
        return tuple(
            Series(each.labels, ((self.look.end, each.value),))
            for each in found
            if math.isfinite(each.value)
        )

    async def absent(self, kpis: Sequence[Kpi]) -> dict[str, Absence]:
        """Look for the series that these KPIs need."""
        return self._why(kpis)
