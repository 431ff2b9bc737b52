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
    plan: Plan, where: Where, seconds: float, write: tuple[str, TextIO]
) -> int:
    """Write the report of the last `seconds` in a format; returns the exit status.

    Raises KpiExporterError when whom it asks cannot be asked at all.
    """
    async with Browser() as browser:
        found = await gather(await _asker(plan, browser, where, seconds))
        if where.sidecar is not None:
            check_url(where.sidecar)
            since = found.source.end - seconds
            told = await incidents(browser, where.sidecar, since)
            found = found._replace(sections=(*found.sections, told))
    format_, out = write
    out.write(FORMATS[format_](found))
    return found.status


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
