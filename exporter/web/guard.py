"""What stands before every page: rate limit, client names, users, error boundary."""

from __future__ import annotations

import asyncio
import logging
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from exporter.web.service import BASE

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from exporter.web.web_config import RateLimit, WebConfig

_log = logging.getLogger(__name__)


class Bucket:
    """A token bucket: it fills by one each interval, up to the burst."""

    def __init__(self) -> None:
        """Begin full at the first request."""
        self._tokens = float("inf")
        self._last = 0.0

    def allows(self, limit: RateLimit, now: float) -> bool:
        """Take a token if there is one; `now` is in seconds of a monotonic clock."""
        if not limit.interval:
            return True
        filled = self._tokens + (now - self._last) / limit.interval
        self._tokens = min(float(limit.burst), filled)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def text(body: str, status: int = 200) -> web.Response:
    """Answer with plain text that ends with a line end."""
    return web.Response(text=body.rstrip("\n") + "\n", status=status)


def code_of(status: int) -> str:
    """Return how the platforms' API calls an HTTP status, such as `not_found`."""
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def problem(status: int, message: str, **more: str | int | None) -> web.Response:
    """Refuse in the one shape of the platforms' API: `error` has `code` and `message`.

    `more` goes beside them, or is a `code` that says more than the status.
    """
    told = {"code": code_of(status), "message": message, **more}
    return web.json_response({"error": told}, status=status)


def _refused(request: web.Request, status: int, message: str) -> web.Response:
    """Refuse as whoever asks reads it: programs of the API in JSON, others in text."""
    if f"{request.path}/".startswith(f"{BASE}/"):
        return problem(status, message)
    return text(message, status)


def boundary(paths: str, whose: str = "exporter") -> Middleware:
    """Turn every error into an answer for its reader; `paths` answers a wrong path.

    `whose` log says more of an error that nobody expected.
    """

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return _refused(request, 404, paths)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            what = f"{request.method} is not possible here; use {allowed}"
            refused = _refused(request, 405, what)
            refused.headers["Allow"] = allowed
            return refused
        except web.HTTPException as error:
            return _refused(request, error.status, error.reason)
        except Exception as error:  # noqa: BLE001 - the reader gets no traceback, whatever it is
            _report(request, error)
            what = f"internal error; the {whose}'s log says more"
            return _refused(request, 500, what)

    return answer


def guard(config: WebConfig) -> Middleware:
    """Let pass what the web configuration allows, in the exporter-toolkit's order.

    What it needs is loaded where it is asked for: 1 MiB.
    """
    from exporter.web import tls
    from exporter.web.auth import BasicAuth

    bucket = Bucket()
    basic = BasicAuth()

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        settings = config.settings
        now = asyncio.get_running_loop().time()
        if not bucket.allows(settings.rate_limit, now):
            return _refused(request, 429, "too many requests")
        allowed = settings.tls_server_config.client_allowed_sans
        if allowed is not None and tls.names(_peer(request)).isdisjoint(allowed):
            what = "this client certificate's names are not allowed"
            return _refused(request, 403, what)
        users = settings.basic_auth_users
        given = request.headers.get("Authorization", "")
        if users and not await basic.allows(users, given):
            refused = _refused(request, 401, "user and password are needed")
            refused.headers["WWW-Authenticate"] = "Basic"
            return refused
        return await handler(request)

    return answer


def _peer(request: web.Request) -> Any:
    transport = request.transport
    return transport.get_extra_info("peercert") if transport else None


def _report(request: web.Request, error: Exception) -> None:
    place = traceback.extract_tb(error.__traceback__)[-1]
    fields = {
        "path": request.path,
        "error": f"{type(error).__name__}: {error}",
        "at": f"{Path(place.filename).name}:{place.lineno}",
    }
    _log.error("a page failed", extra={"fields": fields})
