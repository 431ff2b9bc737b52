"""The incidents' pages over HTTP, for people and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from exporter.sidecar.incidents import kept, messages, pages
from exporter.sidecar.incidents.store import StoreError
from exporter.web.guard import text
from exporter.web.parameters import WrongError, number, once

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from exporter.sidecar.incidents.candidates import Surroundings
    from exporter.sidecar.incidents.store import Store

_FEW, _MOST = 50, 1000
_LAST_YEAR = 253402300799.0  # 9999; beyond it there are no dates
_HEADERS = {"Content-Security-Policy": pages.POLICY}


class Routes:
    """The handlers; they read from the store and change nothing."""

    def __init__(
        self, store: Store, around: Callable[[], Surroundings], link: str
    ) -> None:
        """Take where to read; `link` is the sidecar's address for readers."""
        self._store, self._around, self._link = store, around, link

    def all(self, now: Callable[[], float]) -> list[web.RouteDef]:
        """Return the pages; `now` gives the Unix time."""
        one = "/incidents/{id:[0-9a-f]{16}}"
        handlers: dict[str, Handler] = {
            "/incidents": partial(self._list, now),
            "/incidents.json": self._list_data,
            one: partial(self._detail, now),
            f"{one}.json": self._detail_data,
        }
        return [
            web.get(path, partial(_answer, handler))
            for path, handler in handlers.items()
        ]

    async def _list(
        self, now: Callable[[], float], request: web.Request
    ) -> web.Response:
        part = _part(request)
        listed = await self._store.read(partial(kept.listed, **part._asdict()))
        return _html(pages.listing(listed, part, now()))

    async def _list_data(self, request: web.Request) -> web.Response:
        part = _part(request)
        listed = await self._store.read(partial(kept.listed, **part._asdict()))
        return web.json_response(
            {
                "total": listed.total,
                "limit": part.limit,
                "offset": part.offset,
                "incidents": [messages.brief(i, self._link) for i in listed.incidents],
            }
        )

    async def _detail(
        self, now: Callable[[], float], request: web.Request
    ) -> web.Response:
        story = await self._story(request)
        if story is None:
            return _unknown()
        return _html(pages.detail(story, now()))

    async def _detail_data(self, request: web.Request) -> web.Response:
        story = await self._story(request)
        return _unknown() if story is None else web.json_response(self._plain(story))

    async def _story(self, request: web.Request) -> pages.Story | None:
        read = self._store.read
        found = await read(partial(kept.one, name=request.match_info["id"]))
        if found is None:
            return None
        evidence = await read(partial(kept.evidence_of, number=found.evidence))
        names = [*self._around().targets(found.scope, found.who), found.who]
        near = await read(partial(kept.near, names=names, moment=found.opened))
        return pages.Story(found, evidence, near)

    def _plain(self, story: pages.Story) -> dict[str, Any]:
        incident, evidence = story.incident, story.evidence
        return {
            **messages.brief(incident, self._link),
            "annotations": dict(incident.annotations),
            "frozen": incident.frozen,
            "causes": [cause._asdict() for cause in incident.causes],
            "near": [
                messages.brief(other, self._link)
                for other in story.near
                if other.id != incident.id
            ],
            "evidence": None
            if evidence is None
            else {
                **evidence._asdict(),
                "at": messages.written(evidence.at),
                "series": [each._asdict() for each in evidence.series],
                "comparisons": [
                    {**each._asdict(), "changes": [c._asdict() for c in each.changes]}
                    for each in evidence.comparisons
                ],
            },
        }


async def _answer(handler: Handler, request: web.Request) -> web.StreamResponse:
    """Answer with 503 and why when the incidents' file cannot be used."""
    try:
        return await handler(request)
    except StoreError as error:
        return text(str(error), 503)


def _html(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html", headers=_HEADERS)


def _unknown() -> web.Response:
    return text("no such incident; /incidents has the list", 404)


def _part(request: web.Request) -> pages.Part:
    """Read which part of the list is wanted; 400 says what is wrong with it."""
    try:
        given = once(request.query.items(), pages.Part._fields)
        return pages.Part(
            since=_moment(given.get("since", "0")),
            limit=number(given, "limit", _FEW, range(1, _MOST + 1)),
            offset=number(given, "offset", 0, range(2**53)),
        )
    except WrongError as error:
        raise web.HTTPBadRequest(reason=str(error)) from error


def _moment(written: str) -> float:
    try:
        moment = float(written)
    except ValueError:
        try:
            read = datetime.fromisoformat(written)
            moment = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
        except ValueError as error:
            said = "since is a Unix time or one such as 2026-02-03T04:05:06Z"
            raise WrongError(said) from error
    if not 0 <= moment <= _LAST_YEAR:
        raise WrongError("since is before 1970 or after 9999")
    return moment
