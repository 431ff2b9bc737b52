"""The sidecar's HTTP: metrics, probes, and where Alertmanager calls."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.sidecar.delivery_page import POLICY, start_page
from exporter.sidecar.payload import PayloadError, read
from exporter.web.guard import boundary, guard, text
from exporter.web.send import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.sidecar.own import Own
    from exporter.sidecar.part import Part
    from exporter.web.web_config import WebConfig

_MOST_BYTES = 32 * 2**20  # a call with 10,000 alerts and their evidence is some 10 MiB

_log = logging.getLogger(__name__)


class Pages:
    """The handlers of what is there without any part."""

    def __init__(self, parts: Sequence[Part], own: Own) -> None:
        """Take whom to hand calls to, and who counts them."""
        self._parts, self._own = parts, own
        self._sender = Sender()

    def routes(self) -> list[web.RouteDef]:
        """Return all pages, those of the parts included."""
        mine = [
            web.get("/", self.start),
            web.get("/metrics", self.metrics),
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.post("/alertmanager", self.alertmanager),
        ]
        return mine + [route for part in self._parts for route in part.routes()]

    def problems(self) -> list[str]:
        """Return what does not work now, of all parts."""
        return [problem for part in self._parts for problem in part.problems()]

    async def start(self, _: web.Request) -> web.Response:
        """Link the pages that there are."""
        found = [route.path for route in self.routes() if route.method == "GET"]
        page = start_page([path for path in found if "{" not in path and path != "/"])
        headers = {"Content-Security-Policy": POLICY}
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Serve our own metrics."""
        page = self._own.page(ready=not self.problems())
        return await self._sender.send(request, page)

    async def healthy(self, _: web.Request) -> web.Response:
        """Say that the process answers."""
        return text("healthy")

    async def ready(self, _: web.Request) -> web.Response:
        """Say whether all is well, or what is not, one per line (503)."""
        problems = self.problems()
        return text("\n".join(problems), 503) if problems else text("ready")

    async def alertmanager(self, request: web.Request) -> web.Response:
        """Take a call of Alertmanager; 200 only when every part has taken it."""
        try:
            payload = read(await request.read())
        except PayloadError as error:
            self._own.called("refused")
            return text(f"this is no call of an Alertmanager: {error}", 400)
        try:
            for part in self._parts:
                await part.received(payload)
        except Exception as error:  # noqa: BLE001 - whatever it is, Alertmanager must send again
            self._own.called("failed")
            fields = {"error": f"{type(error).__name__}: {error}"}
            _log.error("a call is not stored", extra={"fields": fields})
            return text("not stored; send it again", 503)
        self._own.called("stored", len(payload.alerts), len(payload.unread))
        if not payload.unread:
            return text("stored")
        number, why = len(payload.unread), payload.unread[0]
        lost = {"alerts": number, "why": why}
        _log.warning("a call has alerts that cannot be read", extra={"fields": lost})
        return text(f"stored but for {number}: {why}")


def build(pages: Pages, config: WebConfig | None) -> web.Application:
    """Make the application; `config` guards all of it, the webhook included."""
    routes = pages.routes()
    shown = [f"  {route.path:<20} ({route.method})" for route in routes]
    paths = "\n".join(["there is no such page; there are", *shown])
    guards = [guard(config)] if config else []
    middlewares = [boundary(paths, "sidecar"), *guards]
    application = web.Application(middlewares=middlewares, client_max_size=_MOST_BYTES)
    application.add_routes(routes)

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "kpi-exporter"
        response.headers["X-Content-Type-Options"] = "nosniff"

    application.on_response_prepare.append(add_headers)
    return application
