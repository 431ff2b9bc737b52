"""Looks at live pages, or asks a Prometheus, for all that rules and panels need."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from exporter.check_http import Browser, shown
from exporter.check_page import lines
from exporter.check_prometheus import Prometheus, health, look
from exporter.check_series import (
    SCRAPED,
    Giver,
    Seen,
    plain,
    text,
    verdicts,
    wanted,
)
from exporter.errors import KpiExporterError
from exporter.units import check_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from exporter.catalogue.plan import Plan
    from exporter.check_page import Line
    from exporter.check_series import Verdict, Wanted

_WHOLE = 60.0  # seconds for all answers together
_OURS = "kpi_exporter_build_info"


async def check_pages(
    plan: Plan, urls: Sequence[str], out: TextIO, *, as_json: bool
) -> int:
    """Read pages of ours and of applications; returns 0 when no promise lacks a series.

    Raises KpiExporterError when a page cannot be had or is none.
    """
    async with _in_time("the pages"), Browser() as browser:
        pages = [await page(browser, url) for url in urls]
    found = verdicts([on_page(each) for each in wanted(plan)], seen_on(pages))
    return _say(found, out, as_json=as_json)


async def check_prometheus(plan: Plan, url: str, out: TextIO, *, as_json: bool) -> int:
    """Ask a Prometheus for each series; returns 0 when no promise lacks one.

    Raises KpiExporterError when it cannot be asked.
    """
    check_url(url)
    async with _in_time(shown(url)), Browser() as browser:
        found = await ask_prometheus(plan, browser, url)
    return _say(found, out, as_json=as_json)


async def ask_prometheus(plan: Plan, browser: Browser, url: str) -> list[Verdict]:
    """Ask a Prometheus for each series that a plan needs; raises KpiExporterError."""
    needed = wanted(plan)
    return verdicts(needed, await look(Prometheus(browser, url), needed))


@asynccontextmanager
async def _in_time(whose: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_WHOLE):
            yield
    except TimeoutError as error:
        said = f"{whose}: not all was answered within {_WHOLE:g} s"
        raise KpiExporterError(said) from error


async def page(browser: Browser, url: str) -> list[Line]:
    """Read a page of metrics; raises KpiExporterError when it cannot be had."""
    check_url(url)
    parts = urlsplit(url)
    if parts.path in ("", "/"):  # as in Prometheus' own configuration
        url = parts._replace(path="/metrics").geturl()
    try:
        found = list(lines(await browser.get(url)))
    except ValueError as error:
        raise KpiExporterError(f"{shown(url)}: {error}") from error
    if not found:
        raise KpiExporterError(f"{shown(url)}: the page has no metrics")
    return found


def check_url(url: str) -> None:
    """Raise KpiExporterError for what is no address of a page."""
    try:
        check_http(url)
    except ValueError as error:
        raise KpiExporterError(f"{shown(url)}: {error}") from error


def on_page(each: Wanted) -> Wanted:
    """Leave out the labels that a series gets when it is scraped."""
    return each._replace(labels=each.labels - SCRAPED - each.fixed)


def seen_on(pages: list[list[Line]]) -> Seen:
    """Return what pages have, and whether those of the exporter are among them."""
    labels: dict[str, frozenset[str]] = {}
    for line in (line for page in pages for line in page):
        labels[line.name] = labels.get(line.name, frozenset()) | line.labels.keys()
    ours = [any(line.name == _OURS for line in page) for page in pages]
    asked = {Giver.EXPORTER if mine else Giver.APPLICATION for mine in ours}
    every = [(line.name, line.labels, line.value) for page in pages for line in page]
    sources, collectors = health(every)
    return Seen(labels, sources, collectors, frozenset(asked))


def _say(found: list[Verdict], out: TextIO, *, as_json: bool) -> int:
    if as_json:
        json.dump(plain(found), out, indent=2)
        out.write("\n")
    else:
        out.writelines(f"{line}\n" for line in text(found))
    return int(any(each.broken for each in found))
