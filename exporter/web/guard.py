"""What stands before every page: rate limit, client names, users, error boundary."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

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


def boundary(paths: str, whose: str = "exporter") -> Middleware:
    """Turn every error into plain text; `paths` answers a wrong path.

    `whose` log says more of an error that nobody expected.
    """

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return text(paths, 404)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            refused = text(f"{request.method} is not possible here; use {allowed}", 405)
            refused.headers["Allow"] = allowed
            return refused
        except web.HTTPException as error:
            return text(error.reason, error.status)
        except Exception as error:  # noqa: BLE001 - the reader gets no traceback, whatever it is
            _report(request, error)
            return text(f"internal error; the {whose}'s log says more", 500)

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
            return text("too many requests", 429)
        allowed = settings.tls_server_config.client_allowed_sans
        if allowed is not None and tls.names(_peer(request)).isdisjoint(allowed):
            return text("this client certificate's names are not allowed", 403)
        users = settings.basic_auth_users
        given = request.headers.get("Authorization", "")
        if users and not await basic.allows(users, given):
            refused = text("user and password are needed", 401)
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
