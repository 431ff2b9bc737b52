"""The platforms' API `/api/mcp/performance/…`: this moment's figures, in pages."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from exporter.web.guard import problem
from exporter.web.parameters import WrongError, number, once
from exporter.web.service import BASE, CHOICES, MOST_ITEMS, MOST_OFFSET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.web.service import Item, Service

_ITEMS = 100  # of a page, if nobody asks otherwise


class Wanted(NamedTuple):
    """What a request asks for: a page of items, and only those that fit."""

    limit: int
    offset: int
    filters: dict[str, str]
    above: float


class Performance:
    """The handlers of the API."""

    def __init__(self, service: Service) -> None:
        """Take whom to ask."""
        self._service = service

    def add_to(self, application: web.Application) -> None:
        """Make the application answer below the API's path."""
        router = application.router
        router.add_get(f"{BASE}/metrics", self.metrics)
        router.add_get(f"{BASE}/report", self.report)
        router.add_get(f"{BASE}/slow-queries", self.slow_queries)
        router.add_get(f"{BASE}/cache-stats", self.cache_stats)
        router.add_get(f"{BASE}/openapi.json", self.description)
        router.add_route("*", BASE + "{rest:(/.*)?}", self.unknown)

    async def metrics(self, request: web.Request) -> web.Response:
        """Give the value of each KPI, by what it is about."""
        return await self._answer(request, ("kpi", "target", "verdict"), "metrics")

    async def report(self, request: web.Request) -> web.Response:
        """Give the verdict on each KPI, and what goes with it."""
        return await self._answer(request, ("kpi", "verdict"), "kpis")

    async def slow_queries(self, request: web.Request) -> web.Response:
        """Give PostgreSQL's statements, the slowest on average first."""
        names = ("target", "datname", "above")
        return await self._answer(request, names, "statements")

    async def cache_stats(self, request: web.Request) -> web.Response:
        """Give hits, misses and memory of each cache."""
        return await self._answer(request, ("target", "source"), "caches")

    async def description(self, _: web.Request) -> web.Response:
        """Give the description of the API."""
        return web.Response(
            text=json.dumps(_description()), content_type="application/json"
        )

    async def unknown(self, request: web.Request) -> web.Response:
        """Say that there is no such path, or that this is not how to ask it."""
        methods: dict[str, list[str]] = {}
        for route in request.app.router.routes():
            path = route.resource.get_info().get("path", "") if route.resource else ""
            if path.startswith(f"{BASE}/"):
                methods.setdefault(path, []).append(route.method)
        if request.path in methods:
            raise web.HTTPMethodNotAllowed(request.method, methods[request.path])
        there = ", ".join(methods)
        said = f"no path {request.path[:100]}; there are {there}"
        return problem(HTTPStatus.NOT_FOUND, said)

    async def _answer(
        self, request: web.Request, names: tuple[str, ...], kind: str
    ) -> web.Response:
        try:
            wanted = _wanted(_read(request.query.items(), names), names)
        except WrongError as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        target, kpi = (wanted.filters.get(name) for name in ("target", "kpi"))
        known = [each.name for each in self._service.config.targets]
        if target is not None and target not in known:
            return _absent(f"target {target[:100]!r} is configured", known)
        made = await self._service.performance()
        found = [each for each in made.items[kind] if _fits(each, wanted)]
        # asked where nothing was found, for the answer takes the catalogue
        if kpi is not None and not found and kpi not in (ids := self._service.kpis()):
            return _absent(f"KPI {kpi[:100]!r}", ids)
        head = made.report if kind == "kpis" else json.dumps({"end": made.end})
        body = _page(head, found, wanted)
        return web.Response(text=body, content_type="application/json")


def _description() -> dict[str, Any]:
    """Make the description, which is loaded when somebody asks for it."""
    from exporter.web import openapi

    return openapi.document()


def _read(pairs: Iterable[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    """Read parameters that there are, with values that there are."""
    found = once(pairs, (*names, "limit", "offset"))
    for name, value in found.items():
        if value not in CHOICES.get(name, (value,)):
            there = ", ".join(CHOICES[name])
            raise WrongError(f"{name}: no {value[:100]!r}; there are {there}")
    return found


def _wanted(query: Mapping[str, str], names: tuple[str, ...]) -> Wanted:
    """Read what a request asks for; raises WrongError for what is no number."""
    above = query.get("above", "0")
    try:
        seconds = float(above)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise WrongError("above: wanted are seconds, such as 0.05")
    return Wanted(
        number(query, "limit", _ITEMS, range(1, MOST_ITEMS + 1)),
        number(query, "offset", 0, range(MOST_OFFSET + 1)),
        {name: query[name] for name in names if name in query and name != "above"},
        seconds,
    )


def _page(head: str, found: Sequence[Item], wanted: Wanted) -> str:
    """Put a page of items, which are JSON already, into the object `head`."""
    end = wanted.offset + wanted.limit
    place = {
        "total": len(found),
        "limit": wanted.limit,
        "offset": wanted.offset,
        "next": end if end < len(found) else None,
    }
    texts = ", ".join(each.text for each in found[wanted.offset : end])
    return f'{head[:-1]}, {json.dumps(place)[1:-1]}, "items": [{texts}]}}'


def _fits(item: Item, wanted: Wanted) -> bool:
    filters = wanted.filters.items()
    return item.mean_seconds >= wanted.above and filters <= item.fields.items()


def _absent(what: str, known: Sequence[str]) -> web.Response:
    return problem(HTTPStatus.NOT_FOUND, f"no {what}; there are {', '.join(known)}")
