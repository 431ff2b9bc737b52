"""`kpi-exporter report`: asks, judges, writes; the exit status is the verdict."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple, TextIO

from exporter.check_http import Browser, shown
from exporter.check_live import check_url, on_page, page, seen_on
from exporter.check_prometheus import Prometheus
from exporter.check_series import verdicts, wanted
from exporter.report import pages
from exporter.report.absent import Absence, needed, reasons
from exporter.report.gather import gather
from exporter.report.incidents import incidents
from exporter.report.markdown import markdown
from exporter.report.model import Refusal, Section
from exporter.report.page import page as html
from exporter.report.plain import plain
from exporter.report.prometheus import open_prometheus
from exporter.report.text import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan
    from exporter.check_page import Line
    from exporter.report.asker import Asker
    from exporter.report.model import Report

_LOOK_EVERY = 1.0
_DAY = 86400.0
_MOMENT = "--since needs a Prometheus: it is this moment that is judged"
_INCIDENTS = "Incidents"


class Where(NamedTuple):
    """Whom to ask: a Prometheus, or else an exporter; and the sidecar, if any."""

    prometheus: str | None
    exporter: str
    sidecar: str | None = None


def _json(report: Report) -> str:
    return json.dumps(plain(report), indent=2, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text,
    "md": markdown,
    "html": html,
    "json": _json,
}


async def report(
    plan: Plan, where: Where, since: float | None, write: tuple[str, TextIO]
) -> int:
    """Write the report in a format; returns the exit status.

    The period are the last `since` seconds, a day unless somebody asks otherwise.
    Raises KpiExporterError when whom it asks cannot be asked at all.
    """
    async with Browser() as browser:
        if where.sidecar is not None:
            check_url(where.sidecar)
        seconds = _DAY if since is None else since
        found = await gather(await _asker(plan, browser, where, seconds))
        if where.prometheus is None and since is not None:
            found = _noted(found, _MOMENT)
        if where.sidecar is not None:
            begin = found.source.end - seconds
            told = await incidents(browser, where.sidecar, begin)
            found = _with_incidents(found, told)
    format_, out = write
    out.write(FORMATS[format_](found))
    return found.status


def _noted(found: Report, remark: str) -> Report:
    remarks = (remark, *found.source.remarks)
    return found._replace(source=found.source._replace(remarks=remarks))


def _with_incidents(found: Report, told: tuple[str, ...] | Refusal) -> Report:
    """Add the section; a sidecar that was asked for in vain is a missing answer."""
    if isinstance(told, Refusal):
        section = Section(_INCIDENTS, (), told.why)
        missing = (*found.unanswered, told.why)
        return found._replace(sections=(*found.sections, section), unanswered=missing)
    section = Section(_INCIDENTS, told, "" if told else "there was none")
    return found._replace(sections=(*found.sections, section))


async def _asker(plan: Plan, browser: Browser, where: Where, seconds: float) -> Asker:
    if where.prometheus is not None:
        check_url(where.prometheus)
        prometheus = Prometheus(browser, where.prometheus)
        return await open_prometheus(plan, prometheus, where.prometheus, seconds)
    return await _page(plan, browser, where.exporter)


async def _page(plan: Plan, browser: Browser, url: str) -> Asker:
    """Look at a page until every target was polled once more, two intervals at most."""
    clock = asyncio.get_running_loop().time
    first = pages.Looked(pages.read(await page(browser, url)), clock())
    until = first.at + 2 * plan.interval
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        lines = await page(browser, url)
        second = pages.Looked(pages.read(lines), clock())
        found = pages.looks(second, first)
        if second.at >= until or all(passed > 0 for passed in found.seconds.values()):
            name = f"the exporter's page at {shown(url)}"
            return pages.FromPage(plan, found, name, _why(plan, lines))


def _why(
    plan: Plan, lines: list[Line]
) -> Callable[[Sequence[Kpi]], dict[str, Absence]]:
    seen = seen_on([lines])

    def why(kpis: Sequence[Kpi]) -> dict[str, Absence]:
        wants = needed(map(on_page, wanted(plan)), [kpi.id for kpi in kpis])
        return reasons(verdicts(wants, seen))

    return why
