"""Answers POST /api/mcp/performance/analyze: reads the request, asks the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from exporter.review.shape import (
    MOST_BYTES,
    PATH,
    Asked,
    Dialect,
    Refusal,
    ReviewError,
    check_text,
)
from exporter.web.guard import problem

if TYPE_CHECKING:
    from exporter.web.service import Service

_MOST_BODY = 6 * MOST_BYTES + 1024  # JSON may write a character as \u00e9
_KEYS = {"statement": str, "target": str, "dialect": str, "literals": bool}
_STATUS = {
    Refusal.MALFORMED: 400,
    Refusal.TOO_LARGE: 413,
    Refusal.BUSY: 503,
}
_AGAIN = {"Retry-After": "5"}


class Analyze:
    """The handler of the path."""

    def __init__(self, service: Service) -> None:
        """Take whom to ask."""
        self._service = service

    def add_to(self, application: web.Application) -> None:
        """Make the application answer on the path."""
        application.router.add_post(PATH, self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        """Give the review, or say in JSON why there is none."""
        try:
            asked = _asked(await _body(request))
            return web.json_response(await self._service.review(asked))
        except ReviewError as error:
            status = _STATUS.get(error.kind, 422)
            place = {"line": error.line, "column": error.column}
            refused = problem(status, str(error), code=str(error.kind), **place)
            refused.headers.update(_AGAIN if error.kind is Refusal.BUSY else {})
            return refused


async def _body(request: web.Request) -> dict[str, Any]:
    """Read the body up to its bound; other types are refused, as forms would be."""
    if name := next(iter(request.query), None):
        what = f"no parameter {name[:100]!r}; all is asked for in the body"
        raise ReviewError(Refusal.MALFORMED, what)
    if request.content_type != "application/json":
        what = "send JSON, with Content-Type: application/json"
        raise ReviewError(Refusal.MALFORMED, what)
    content = b""
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > _MOST_BODY:
            what = f"the request has more than {_MOST_BODY} bytes"
            raise ReviewError(Refusal.TOO_LARGE, what)
    try:
        body = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ReviewError(Refusal.MALFORMED, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise ReviewError(Refusal.MALFORMED, "the body is no JSON object")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of a key that is there twice JSON would drop the first value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ReviewError(Refusal.MALFORMED, "a key is given twice")
    return found


def _asked(body: dict[str, Any]) -> Asked:
    for key, value in body.items():
        if not isinstance(value, _KEYS.get(key, ())):
            known = ", ".join(f"{name} ({of.__name__})" for name, of in _KEYS.items())
            raise ReviewError(Refusal.MALFORMED, f"the keys are {known}")
    if "statement" not in body:
        raise ReviewError(Refusal.MALFORMED, "the key statement is missing")
    dialect = body.get("dialect")
    if dialect is not None and dialect not in [*Dialect]:
        known = ", ".join(Dialect)
        raise ReviewError(Refusal.MALFORMED, f"the dialects are {known}")
    text = body["statement"].encode("utf-8", "surrogatepass")
    return Asked(
        check_text(text),
        Dialect(dialect) if dialect else None,
        body.get("target"),
        body.get("literals", False),
    )
