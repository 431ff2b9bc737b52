"""Asks a Prometheus for a report: a period, at a resolution that is bounded."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from exporter.check_http import shown
from exporter.check_prometheus import look as looked
from exporter.check_series import verdicts, wanted
from exporter.errors import KpiExporterError
from exporter.report.absent import Absence, needed, reasons
from exporter.report.judge import Look
from exporter.report.model import Refusal, Series, Source
from exporter.report.questions import Asking, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan
    from exporter.check_prometheus import Prometheus
    from exporter.report.model import Answer
    from exporter.report.questions import Question

_WHOLE = 120.0  # seconds for all answers together
_SHAPE = 240  # points that a trend is drawn from
_FINEST = 15.0
_MINUTE = 60.0
_MOST_POINTS = 10_080  # a week of minutes; Prometheus refuses more than 11,000
_LATE = "not asked: the others took all the time there was"


def steps(seconds: float) -> tuple[float, float]:
    """Return how far apart points are, in seconds: for verdicts, and for trends.

    A minute for verdicts, less for less than a day, more beyond a week.
    """
    minutes = max(_FINEST, min(_MINUTE, seconds / 1440))
    shape = max(_FINEST, seconds / _SHAPE)
    return math.ceil(max(minutes, seconds / _MOST_POINTS)), math.ceil(shape)


class FromPrometheus:
    """Answers questions about a period that ends now, by Prometheus' own clock."""

    def __init__(self, asking: Asking, prometheus: Prometheus, end: float) -> None:
        """Take whom to ask; `open_prometheus` makes one."""
        self.asking = asking
        self._prometheus = prometheus
        self._until = asyncio.get_running_loop().time() + _WHOLE
        step, shape = steps(asking.seconds)
        self.look = Look(end, step, shape)
        self.source = Source("", asking.seconds, end, step)

    async def ask(self, question: Question) -> Answer:
        """Answer one question; a server that fails makes it a Refusal."""
        if asyncio.get_running_loop().time() > self._until:
            return Refusal(_LATE)
        try:
            found = [_series(each) for each in await self._asked(question)]
            return tuple(series for series in found if series.points)
        except KpiExporterError as error:
            return Refusal(str(error))
        except (KeyError, TypeError, ValueError, IndexError):
            return Refusal("the answer is not that of a Prometheus")

    async def absent(self, kpis: Sequence[Kpi]) -> dict[str, Absence]:
        """Look for the series that these KPIs need."""
        wants = needed(wanted(self.asking.plan), [kpi.id for kpi in kpis])
        remaining = self._until - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(1.0, remaining)):
                seen = await looked(self._prometheus, wants)
        except (KpiExporterError, TimeoutError) as error:
            why = str(error) or _LATE
            return {kpi.id: Absence(why) for kpi in kpis}
        return reasons(verdicts(wants, seen))

    async def _asked(self, question: Question) -> list[dict[str, Any]]:
        end, step, shape = self.look
        if question.span is Span.NOW:
            at = end if question.at is None else question.at
            return await self._prometheus.query(question.expression, at)
        if question.span is Span.SHAPE:
            step = shape
        period = (end - self.asking.seconds, end)
        return await self._prometheus.history(question.expression, period, step)


async def open_prometheus(
    plan: Plan, prometheus: Prometheus, url: str, seconds: float
) -> FromPrometheus:
    """Begin a report; raises KpiExporterError when it cannot be asked at all.

    What has Prometheus' language but no rules is asked for the expressions instead.
    """
    end = await prometheus.time()
    recorded: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    try:
        recorded = await prometheus.records()
    except KpiExporterError as error:
        remarks = (f"its rules are not known, and no recording is used: {error}",)
    made = FromPrometheus(Asking(plan, recorded, seconds), prometheus, end)
    name = f"Prometheus at {shown(url)}"
    made.source = made.source._replace(name=name, remarks=remarks)
    return made


def _series(found: dict[str, Any]) -> Series:
    """Read a series; what is no number, such as nothing of nothing, is left out."""
    points = found["values"] if "values" in found else [found["value"]]
    read = ((float(at), float(value)) for at, value in points)
    finite = tuple(point for point in read if math.isfinite(point[1]))
    return Series({str(k): str(v) for k, v in found["metric"].items()}, finite)
