"""Asks a Prometheus: what an expression gives and gave, and which series it has."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from exporter.check_http import shown
from exporter.check_series import TARGET, Giver, Seen
from exporter.errors import KpiExporterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.check_http import Browser
    from exporter.check_series import Wanted

_AT_ONCE = 4
_NEED = "need"
INFO = "kpi_exporter_target_info"
SUCCESS = "kpi_exporter_collector_success"


class Prometheus:
    """The parts of its API that are asked."""

    def __init__(self, browser: Browser, url: str) -> None:
        """Take the base of its address."""
        self._browser = browser
        self._base = url.rstrip("/") + "/api/v1/"
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def query(
        self, expression: str, at: float | None = None
    ) -> list[dict[str, Any]]:
        """Return what an expression gives now, or at a moment (Unix time).

        Raises KpiExporterError when there is no answer, or none of a Prometheus.
        """
        moment = {} if at is None else {"time": f"{at:.3f}"}
        return _list(await self._ask("query", query=expression, **moment), "result")

    async def history(
        self, expression: str, period: tuple[float, float], step: float
    ) -> list[dict[str, Any]]:
        """Return what it gave between two moments, every so many seconds."""
        start, end = period
        answer = await self._ask(
            "query_range",
            query=expression,
            start=f"{start:.3f}",
            end=f"{end:.3f}",
            step=f"{step:g}",
        )
        return _list(answer, "result")

    async def time(self) -> float:
        """Return what time it is there."""
        answer = await self._ask("query", query="time()")
        return float(_list(answer, "result")[1])  # type: ignore[arg-type]  # a scalar: [time, text]

    async def records(self) -> frozenset[str]:
        """Return the names that its rules record."""
        groups = _list(await self._ask("rules", type="record"), "groups")
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


async def look(prometheus: Prometheus, needed: list[Wanted]) -> Seen:
    """Ask which of the needed series there are, and with which labels."""
    records = await prometheus.records()
    info = await prometheus.query(f'{INFO}{{{TARGET}!=""}}')
    success = await prometheus.query(f'{SUCCESS}{{{TARGET}!=""}}')
    found = await asyncio.gather(*(_labels(prometheus, each) for each in needed))
    said = [(INFO, each) for each in info] + [(SUCCESS, each) for each in success]
    lines = [(name, each["metric"], float(each["value"][1])) for name, each in said]
    sources, collectors = health(lines)
    labels = {
        each.name: names
        for each, names in zip(needed, found, strict=True)
        if names is not None
    }
    return Seen(labels, sources, collectors, frozenset(Giver), records)


async def _labels(prometheus: Prometheus, each: Wanted) -> frozenset[str] | None:
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


def health(
    lines: Iterable[tuple[str, dict[str, str], float]],
) -> tuple[frozenset[str], dict[tuple[str, str], bool]]:
    """Return the kinds of targets, and whether each kind's collectors work."""
    health = [line for line in lines if line[0] in (INFO, SUCCESS)]
    kinds = {
        labels.get(TARGET, ""): labels.get("source", "")
        for name, labels, _ in health
        if name == INFO
    }
    works: dict[tuple[str, str], bool] = {}
    for name, labels, value in health:
        if name == SUCCESS:
            kind = kinds.get(labels.get(TARGET, ""), "")
            key = (kind, labels.get("collector", ""))
            works[key] = works.get(key, True) and value == 1
    return frozenset(kinds.values()), works


def _list(answer: Any, key: str) -> list[dict[str, Any]]:
    """Return a list in an answer; raises KpiExporterError when there is none."""
    found = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise KpiExporterError(f"the answer has no {key}, as a Prometheus' would")
    return found
