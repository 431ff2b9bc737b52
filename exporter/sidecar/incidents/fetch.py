"""Fetches all that was to be seen around an incident, from Prometheus and exporter."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.errors import KpiExporterError
from exporter.sidecar.incidents import queries
from exporter.sidecar.incidents.incident import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from exporter.catalogue.model import Kpi
    from exporter.collector import SourceKind
    from exporter.sidecar.incidents.ask import Asker
    from exporter.sidecar.incidents.candidates import Surroundings
    from exporter.sidecar.incidents.incident import Comparison, Series
    from exporter.sidecar.incidents.kept import About
    from exporter.sidecar.incidents.queries import Measure

_DEADLINE = 60.0  # seconds, for all of an incident
_MOST_TARGETS = 12
_MOST_TABLES, _MOST_ROWS = 30, 20  # of a target, of a table
_LONGEST = 500  # characters of a cell
_SWITCHED_OFF = "tables: the exporter's evidence is switched off (web.evidence)"


class World(NamedTuple):
    """Whom to ask, and what is known without asking.

    `kpis` is the catalogue by id, `kinds` the kind of each target. Without
    `prometheus` there are no series, and without `tables` none of the exporter's.
    """

    exporter: str
    prometheus: str | None
    kpis: Mapping[str, Kpi]
    kinds: Mapping[str, SourceKind]
    around: Surroundings
    tables: bool = True


class Fetcher:
    """Asks for everything at once, and returns with what came in time."""

    def __init__(
        self,
        world: Callable[[], World],
        asker: Asker,
        deadline: float = _DEADLINE,
    ) -> None:
        """Take whom to ask now, and through whom; `deadline` is in seconds."""
        self._now, self._asker, self._deadline = world, asker, deadline

    @property
    def _world(self) -> World:
        return self._now()

    async def fetch(self, about: About, severity: str, at: float) -> Evidence:
        """Return what was to be seen at a moment (Unix time); never raises for a lack.

        What could not be had is named in `missing`.
        """
        targets = self._world.around.targets(about.scope, about.who)[:_MOST_TARGETS]
        known = [target for target in targets if target in self._world.kinds]
        shown = known if self._world.tables else []
        jobs: dict[str, Coroutine[Any, Any, Any]] = {
            f"tables of {target}": self._tables(target) for target in shown
        }
        kpi = self._world.kpis.get(about.kpi)
        if self._world.prometheus and kpi is not None:
            jobs["series"] = self._series(kpi, about.who, at)
            jobs["limit"] = self._limit(kpi, about.who, severity, at)
        if self._world.prometheus:
            for target in known:
                for measure in queries.MEASURES:
                    if measure.source == self._world.kinds[target]:
                        name = f"{measure.title} on {target}"
                        jobs[name] = self._compared(measure, target, at)
        found, missing = await self._all(jobs)
        missing += [] if self._world.tables else [_SWITCHED_OFF]
        return Evidence(
            at,
            unit=str(kpi.unit) if kpi else "",
            limit=found.pop("limit", None),
            series=found.pop("series", ()),
            tables={t: found.pop(f"tables of {t}", []) for t in known},
            comparisons=[one for one in found.values() if one.changes],
            missing=missing,
        )

    async def _all(
        self, jobs: Mapping[str, Coroutine[Any, Any, Any]]
    ) -> tuple[dict[str, Any], list[str]]:
        tasks = {name: asyncio.create_task(job) for name, job in jobs.items()}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=self._deadline)
        finally:
            for task in tasks.values():
                task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        found: dict[str, Any] = {}
        missing: list[str] = []
        for name, task in tasks.items():
            if task.cancelled():
                missing.append(f"{name}: no answer within {self._deadline:g} s")
            elif error := task.exception():
                known = isinstance(error, KpiExporterError)
                why = error if known else "the answer is not as expected"
                missing.append(f"{name}: {why}")
            else:
                found[name] = task.result()
        return found, missing

    async def _tables(self, target: str) -> list[dict[str, Any]]:
        url = f"{self._world.exporter}/api/evidence"
        answer = await self._asker.json(url, target=target)
        try:
            return [_cut(table) for table in answer["evidence"][:_MOST_TABLES]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise KpiExporterError("the answer is no evidence") from error

    async def _series(self, kpi: Kpi, who: str, at: float) -> list[Series]:
        query = queries.value_query(kpi, who)
        found = await self._prometheus("query_range", query, **queries.span(at))
        return queries.lines(found)

    async def _limit(
        self, kpi: Kpi, who: str, severity: str, at: float
    ) -> float | None:
        return queries.limit(
            await self._at(queries.limit_query(kpi, who), at), severity
        )

    async def _compared(self, measure: Measure, target: str, at: float) -> Comparison:
        at = queries.grained(at)
        expr = measure.expr.format(target)
        now = queries.numbers(await self._at(expr, at))
        before = queries.numbers(await self._at(expr, at - queries.HOUR))
        texts = []
        if measure.text:
            texts = queries.numbers(await self._at(measure.text.format(target), at))
        return queries.compared(measure, now, before, texts)

    async def _at(self, query: str, at: float) -> list[Any]:
        return await self._prometheus("query", query, time=f"{at:.0f}")

    async def _prometheus(self, path: str, query: str, **parameters: str) -> list[Any]:
        url = f"{self._world.prometheus}/api/v1/{path}"
        answer = await self._asker.json(url, query=query, **parameters)
        try:
            found: list[Any] = answer["data"]["result"]
        except (KeyError, TypeError) as error:
            raise KpiExporterError("what answers there is no Prometheus") from error
        return found


def _cut(table: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a table as it is shown, less what is too much; raises what is odd in it."""
    datetime.fromisoformat(table["seen"])
    rows = [
        {
            str(column): cell[:_LONGEST] if isinstance(cell, str) else cell
            for column, cell in row.items()
            if isinstance(cell, str | int | float | None)
        }
        for row in table["rows"][:_MOST_ROWS]
    ]
    if not all(isinstance(row.get("depth", 0), int) for row in rows):
        raise TypeError("a depth is a number")
    return {
        "title": str(table["title"])[:_LONGEST],
        "kpis": [str(kpi) for kpi in table["kpis"]],
        "seen": str(table["seen"]),
        "current": bool(table["current"]),
        "rows": rows,
    }
