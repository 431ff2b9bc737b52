"""Looks at live pages, or asks a Prometheus, for all that rules and panels need."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from exporter.check_http import Browser, shown
from exporter.check_page import lines
from exporter.check_series import (
    SCRAPED,
    TARGET,
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
    from collections.abc import AsyncIterator, Iterable, Sequence

    from exporter.catalogue.plan import Plan
    from exporter.check_page import Line
    from exporter.check_series import Verdict, Wanted

_WHOLE = 60.0  # seconds for all answers together
_AT_ONCE = 4
_NEED = "need"
_OURS = "kpi_exporter_build_info"
_INFO = "kpi_exporter_target_info"
_SUCCESS = "kpi_exporter_collector_success"


async def check_pages(
    plan: Plan, urls: Sequence[str], out: TextIO, *, as_json: bool
) -> int:
    """Read pages of ours and of applications; returns 0 when no promise lacks a series.

    Raises KpiExporterError when a page cannot be had or is none.
    """
    async with _in_time("the pages"), Browser() as browser:
        pages = [await _page(browser, url) for url in urls]
    found = verdicts([_on_page(each) for each in wanted(plan)], _seen(pages))
    return _say(found, out, as_json=as_json)


async def check_prometheus(plan: Plan, url: str, out: TextIO, *, as_json: bool) -> int:
    """Ask a Prometheus for each series; returns 0 when no promise lacks one.

    Raises KpiExporterError when it cannot be asked.
    """
    _check_url(url)
    async with _in_time(shown(url)), Browser() as browser:
        found = await ask_prometheus(plan, browser, url)
    return _say(found, out, as_json=as_json)


async def ask_prometheus(plan: Plan, browser: Browser, url: str) -> list[Verdict]:
    """Ask a Prometheus for each series that a plan needs; raises KpiExporterError."""
    needed = wanted(plan)
    return verdicts(needed, await _asked(_Prometheus(browser, url), needed))


@asynccontextmanager
async def _in_time(whose: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_WHOLE):
            yield
    except TimeoutError as error:
        said = f"{whose}: not all was answered within {_WHOLE:g} s"
        raise KpiExporterError(said) from error


class _Prometheus:
    """The parts of its API that are asked."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._base = url.rstrip("/") + "/api/v1/"
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression gives now."""
        result: list[dict[str, Any]] = (await self._ask("query", query=expression))[
            "result"
        ]
        return result

    async def records(self) -> frozenset[str]:
        """Return the names that its rules record."""
        groups = (await self._ask("rules", type="record"))["groups"]
        return frozenset(rule["name"] for group in groups for rule in group["rules"])

    async def _ask(self, path: str, **parameters: str) -> Any:
        url = self._base + path
        async with self._turn:
            answer = await self._browser.get(url, **parameters)
        try:
            return json.loads(answer)["data"]
        except (ValueError, KeyError, TypeError) as error:
            said = f"{shown(url)}: the answer is not that of a Prometheus"
            raise KpiExporterError(said) from error


async def _asked(prometheus: _Prometheus, needed: list[Wanted]) -> Seen:
    records = await prometheus.records()
    info = await prometheus.query(f'{_INFO}{{{TARGET}!=""}}')
    success = await prometheus.query(f'{_SUCCESS}{{{TARGET}!=""}}')
    found = await asyncio.gather(*(_labels(prometheus, each) for each in needed))
    said = [(_INFO, each) for each in info] + [(_SUCCESS, each) for each in success]
    health = [(name, each["metric"], float(each["value"][1])) for name, each in said]
    sources, collectors = _health(health)
    labels = {
        each.name: names
        for each, names in zip(needed, found, strict=True)
        if names is not None
    }
    return Seen(labels, sources, collectors, frozenset(Giver), records)


async def _labels(prometheus: _Prometheus, each: Wanted) -> frozenset[str] | None:
    """Return which needed labels a series has now; None when there is no such series.

    One question for all labels: each answers under its own name, the series under none.
    """
    mine = f'{TARGET}!="",' if TARGET in each.labels else ""
    parts = [f"count({each.name})"]
    for label in sorted(each.labels):
        counted = f'count({each.name}{{{mine}{label}!=""}})'
        parts.append(f'label_replace({counted}, "{_NEED}", "{label}", "", "")')
    answers = await prometheus.query(" or ".join(parts))
    names = {answer["metric"].get(_NEED, "") for answer in answers}
    return frozenset(names - {""}) if names else None


async def _page(browser: Browser, url: str) -> list[Line]:
    _check_url(url)
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


def _check_url(url: str) -> None:
    try:
        check_http(url)
    except ValueError as error:
        raise KpiExporterError(f"{shown(url)}: {error}") from error


def _on_page(each: Wanted) -> Wanted:
    """Leave out the labels that a series gets when it is scraped."""
    return each._replace(labels=each.labels - SCRAPED - each.fixed)


def _seen(pages: list[list[Line]]) -> Seen:
    labels: dict[str, frozenset[str]] = {}
    for line in (line for page in pages for line in page):
        labels[line.name] = labels.get(line.name, frozenset()) | line.labels.keys()
    ours = [any(line.name == _OURS for line in page) for page in pages]
    asked = {Giver.EXPORTER if mine else Giver.APPLICATION for mine in ours}
    every = [(line.name, line.labels, line.value) for page in pages for line in page]
    sources, collectors = _health(every)
    return Seen(labels, sources, collectors, frozenset(asked))


def _health(
    lines: Iterable[tuple[str, dict[str, str], float]],
) -> tuple[frozenset[str], dict[tuple[str, str], bool]]:
    """Return the kinds of targets, and whether each kind's collectors work."""
    health = [line for line in lines if line[0] in (_INFO, _SUCCESS)]
    kinds = {
        labels.get(TARGET, ""): labels.get("source", "")
        for name, labels, _ in health
        if name == _INFO
    }
    works: dict[tuple[str, str], bool] = {}
    for name, labels, value in health:
        if name == _SUCCESS:
            kind = kinds.get(labels.get(TARGET, ""), "")
            key = (kind, labels.get("collector", ""))
            works[key] = works.get(key, True) and value == 1
    return frozenset(kinds.values()), works


def _say(found: list[Verdict], out: TextIO, *, as_json: bool) -> int:
    if as_json:
        json.dump(plain(found), out, indent=2)
        out.write("\n")
    else:
        out.writelines(f"{line}\n" for line in text(found))
    return int(any(each.broken for each in found))
