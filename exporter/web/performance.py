"""The platforms' API `/api/mcp/performance/…`: this moment's figures, in pages."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from exporter.web.service import BASE, MOST_ITEMS, MOST_OFFSET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.web.service import Item, Service

_ITEMS = 100  # of a page, if nobody asks otherwise


class _WrongError(Exception):
    """A parameter that cannot be used; says which and why."""


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
        router.add_get(BASE + "/{rest:.*}", self.unknown)

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
        paths = _description()["paths"]
        if methods := paths.get(request.path):
            raise web.HTTPMethodNotAllowed(request.method, map(str.upper, methods))
        there = ", ".join(path.removeprefix(BASE) for path in paths)
        asked = request.match_info["rest"][:100]
        return _error(
            HTTPStatus.NOT_FOUND, "not_found", f"no path /{asked}; there are {there}"
        )

    async def _answer(
        self, request: web.Request, names: tuple[str, ...], kind: str
    ) -> web.Response:
        try:
            wanted = _wanted(request.query, names)
        except _WrongError as error:
            return _error(HTTPStatus.BAD_REQUEST, "bad_request", str(error))
        target = wanted.filters.get("target")
        known = [each.name for each in self._service.config.targets]
        if target is not None and target not in known:
            there = ", ".join(known)
            said = f"no target {target[:100]!r} is configured; there are {there}"
            return _error(HTTPStatus.NOT_FOUND, "not_found", said)
        made = await self._service.performance()
        head = made.report if kind == "kpis" else json.dumps({"end": made.end})
        body = _page(head, made.items[kind], wanted)
        return web.Response(text=body, content_type="application/json")


def _description() -> dict[str, Any]:
    """Make the description, which is loaded when somebody asks for it."""
    from exporter.web import openapi

    return openapi.document()


def _wanted(query: Mapping[str, str], names: tuple[str, ...]) -> Wanted:
    """Read a request's parameters; raises _WrongError for what it does not have."""
    known = (*names, "limit", "offset")
    for name in query:
        if name not in known:
            there = ", ".join(known)
            raise _WrongError(f"no parameter {name[:100]!r}; there are {there}")
    above = query.get("above", "0")
    try:
        seconds = float(above)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _WrongError("above: wanted are seconds, such as 0.05")
    return Wanted(
        _number(query, "limit", _ITEMS, range(1, MOST_ITEMS + 1)),
        _number(query, "offset", 0, range(MOST_OFFSET + 1)),
        {name: query[name] for name in names if name in query and name != "above"},
        seconds,
    )


def _number(query: Mapping[str, str], name: str, default: int, fit: range) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or int(text[:10]) not in fit:
        raise _WrongError(f"{name}: wanted is a number from {fit[0]} to {fit[-1]}")
    return int(text)


def _page(head: str, items: Sequence[Item], wanted: Wanted) -> str:
    """Put a page of items, which are JSON already, into the object `head`."""
    found = [each for each in items if _fits(each, wanted)]
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


def _error(status: HTTPStatus, code: str, message: str) -> web.Response:
    told = {"error": {"code": code, "message": message}}
    return web.json_response(told, status=status)
