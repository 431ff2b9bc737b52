"""The report of this moment for the HTTP API, from the exporter's own snapshot.

All of it is made in a thread, at most once an interval, when somebody asks.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.check_page import lines
from exporter.promises import plan_of
from exporter.render.promql import uses
from exporter.report import figures, pages
from exporter.report.absent import Absence
from exporter.report.gather import gather
from exporter.report.plain import line_of, plain
from exporter.web.service import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan
    from exporter.config import Config
    from exporter.report.evaluate import Page
    from exporter.report.model import Report

_NOTHING = "nothing that the exporter serves says it now"
_ALWAYS = (*figures.NAMES, pages.POLLED)


class Made(NamedTuple):
    """What one reading of the snapshot gave, ready to be cut into pages."""

    end: str
    report: str
    items: dict[str, list[Item]]


class Live:
    """Makes it, and keeps it for an interval; rates are since the look before."""

    def __init__(self, page: Callable[[], bytes]) -> None:
        """Take the way to the exporter's whole page."""
        self._page = page
        self._turn = asyncio.Lock()
        self._config: Config | None = None
        self._plan: tuple[Plan, _Names] | None = None
        self._looked: pages.Looked | None = None
        self._made: Made | None = None

    async def made(self, config: Config) -> Made:
        """Return what is known; at most an interval old."""
        now = asyncio.get_running_loop().time()
        async with self._turn:
            if config is not self._config:
                self._config, self._plan, self._made = config, None, None
            fresh = self._looked and now - self._looked.at < config.interval
            if self._made is None or not fresh:
                text = self._page()
                self._made = await asyncio.to_thread(self._make, config, text, now)
            return self._made

    def _make(self, config: Config, text: bytes, now: float) -> Made:
        if self._plan is None:
            plan = plan_of(config)
            self._plan = plan, _names(plan)
        plan, names = self._plan
        page = pages.read(lines("\n".join(_kept(text.decode(), names.read))))
        looks = pages.looks(pages.Looked(page, now), self._looked)
        compared = {name: page[name] for name in names.compared & page.keys()}
        self._looked = pages.Looked(compared, now)
        asker = pages.FromPage(plan, looks, "the exporter's snapshot", _unsaid)
        return _made(asyncio.run(gather(asker)), page)


def _made(report: Report, page: Page) -> Made:
    whole = plain(report)
    items = {
        "kpis": [line_of(line) for line in report.lines],
        "metrics": [row for line in report.lines for row in figures.metrics(line)],
        "statements": figures.statements(page),
        "caches": figures.caches(page),
    }
    return Made(
        whole["source"]["end"],
        _encoded({key: value for key, value in whole.items() if key != "kpis"}),
        {kind: [_item(each) for each in found] for kind, found in items.items()},
    )


def _item(found: dict[str, Any]) -> Item:
    """Make an item that is chosen by its own texts and by its labels."""
    texts = {k: v for k, v in found.items() if isinstance(v, str)}
    fields = {**found.get("labels", {}), **texts}
    return Item(fields, _encoded(found), found.get("mean_seconds", 0.0))


_encoded = json.JSONEncoder(allow_nan=False).encode


class _Names(NamedTuple):
    """The series that are read, and those of them that are compared with before."""

    read: frozenset[str]
    compared: frozenset[str]


def _names(plan: Plan) -> _Names:
    """Return the names of all series that the plan's KPIs read."""
    texts = (text for s in plan.subjects for kpi in s.kpis for text in _texts(kpi))
    filled = (plan.applications[0].fill(text) for text in texts)
    found = [use for text in filled for use in uses(text)]
    return _Names(
        frozenset((*_ALWAYS, *(use.name for use in found))),
        frozenset((pages.POLLED, *(use.name for use in found if use.seconds))),
    )


def _texts(kpi: Kpi) -> Iterator[str]:
    yield kpi.expr
    if kpi.guard:
        yield kpi.guard
    if kpi.evidence:
        yield kpi.evidence.expr


def _kept(text: str, names: frozenset[str]) -> Iterator[str]:
    """Yield the lines of these series; the others are not worth being read."""
    for line in text.splitlines():
        end = line.find("{")
        name = line[: end if end > 0 else line.find(" ")]
        if name in names:
            yield line


def _unsaid(kpis: Sequence[Kpi]) -> dict[str, Absence]:
    """Leave it at that nothing says it: why not takes all drivers into memory."""
    return {kpi.id: Absence(_NOTHING) for kpi in kpis}
