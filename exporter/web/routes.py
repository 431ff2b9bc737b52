"""Answers each path; a handler asks the service and turns what it says into HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from exporter.errors import ConfigError
from exporter.units import is_host
from exporter.web import discovery, evidence_page, runbook_page, status_page
from exporter.web.guard import text
from exporter.web.send import Sender

if TYPE_CHECKING:
    from exporter.web.service import Service

PATHS = """\
there is no such page; there are
  /                    what is polled, and how it goes
  /metrics             everything, for one Prometheus job
  /probe?target=NAME   one target
  /evidence/NAME       what names the causes of a target's broken KPIs
  /api/evidence?target=NAME&kpi=ID   the same as JSON
  /api/mcp/performance/openapi.json   the platforms' API
  /api/mcp/performance/analyze   reviews a statement (POST)
  /self                the exporter's own process
  /sd                  the targets, for Prometheus' http_sd_configs
  /runbooks            what each promise is, and what to do when it is broken
  /-/healthy           whether the process answers
  /-/ready             whether every target was polled once
  /-/reload            reads the configuration again (POST)
"""


class Routes:
    """The handlers of all pages."""

    def __init__(self, service: Service) -> None:
        """Take whom to ask; `web.evidence` counts as it is now."""
        self._service = service
        self._evidence = service.config.web.evidence
        self._sender = Sender()

    def add_to(self, application: web.Application) -> None:
        """Make the application answer on every path."""
        router = application.router
        router.add_get("/", self.status)
        router.add_get("/metrics", self.metrics)
        router.add_get("/probe", self.probe)
        causes = (self.evidence, self.evidence_data)
        page, data = causes if self._evidence else (self.no_evidence,) * 2
        router.add_get("/evidence/{target}", page)
        router.add_get("/api/evidence", data)
        router.add_get("/self", self.own)
        router.add_get("/sd", self.discovery)
        router.add_get("/runbooks", self.runbook)
        router.add_get("/runbooks/{name}", self.runbook)
        router.add_get("/-/healthy", self.healthy)
        router.add_get("/-/ready", self.ready)
        router.add_post("/-/reload", self.reload)

    async def status(self, _: web.Request) -> web.Response:
        """Show people how each target does."""
        page = status_page.render(self._service.status(), evidence=self._evidence)
        headers = {"Content-Security-Policy": status_page.POLICY}
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Serve everything."""
        self._note(request, None)
        return await self._sender.send(request, self._service.snapshot.page())

    async def probe(self, request: web.Request) -> web.StreamResponse:
        """Serve one target, whether it is up or down."""
        name = request.query.get("target", "")
        if not name:
            return text(f"which target? /probe?target=NAME\n{self._names()}", 400)
        try:
            page = self._service.snapshot.page(name)
        except KeyError:
            return self._unknown(name)
        self._note(request, name)
        return await self._sender.send(request, page)

    async def evidence(self, request: web.Request) -> web.Response:
        """Show people what names the causes of a target's broken KPIs."""
        name = request.match_info["target"]
        kpi = request.query.get("kpi") or None
        try:
            now, kept = self._service.evidence(name, kpi)
        except KeyError:
            return self._unknown(name)
        if not kept and (refused := self._no_kpi(kpi)):
            return refused
        page = evidence_page.render(name, kpi, kept, now)
        headers = {"Content-Security-Policy": evidence_page.POLICY}
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def evidence_data(self, request: web.Request) -> web.Response:
        """Give machines the same."""
        name = request.query.get("target", "")
        if not name:
            asked = "which target? /api/evidence?target=NAME&kpi=ID"
            return text(f"{asked}\n{self._names()}", 400)
        kpi = request.query.get("kpi") or None
        try:
            _, kept = self._service.evidence(name, kpi)
        except KeyError:
            return self._unknown(name)
        if not kept and (refused := self._no_kpi(kpi)):
            return refused
        found = [evidence_page.plain(one) for one in kept]
        return web.json_response({"target": name, "evidence": found})

    async def no_evidence(self, _: web.Request) -> web.Response:
        """Say that the configuration has it switched off."""
        return text("evidence is switched off: web.evidence in the configuration", 404)

    async def own(self, request: web.Request) -> web.StreamResponse:
        """Serve our own process."""
        return await self._sender.send(request, self._service.own_page())

    async def discovery(self, request: web.Request) -> web.Response:
        """List what to scrape."""
        config = self._service.config
        asked = _asked(request)
        if not config.links.external_url and not is_host(asked):
            said = "is no host or host:port; set links.external_url, or ask properly"
            return text(f"the header Host {asked[:100]!r} {said}", 400)
        url = config.links.external_url or f"{request.scheme}://{asked}"
        return web.json_response(discovery.groups(config.targets, url))

    async def runbook(self, request: web.Request) -> web.Response:
        """Show people what a promise is and what to do, or the list of all."""
        name = request.match_info.get("name", "")
        found = self._service.runbook(name)
        if found is None:
            return text(f"no KPI {name[:100]!r}; /runbooks has the list", 404)
        headers = {"Content-Security-Policy": status_page.POLICY}
        page = runbook_page.render(found)
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def healthy(self, _: web.Request) -> web.Response:
        """Say that the process answers."""
        return text("healthy")

    async def ready(self, _: web.Request) -> web.Response:
        """Say whether every target was polled at least once."""
        ready, message = self._service.ready()
        return text(message, 200 if ready else 503)

    async def reload(self, _: web.Request) -> web.Response:
        """Read the configuration again, or say everything that is wrong with it."""
        try:
            await self._service.reload()
        except ConfigError as error:
            return text(f"the old configuration stays in force:\n{error}", 500)
        return text("the configuration was read again")

    def _note(self, request: web.Request, scope: str | None) -> None:
        if request.method == "GET":
            self._service.scraped(scope, request.remote)

    def _unknown(self, name: str) -> web.Response:
        return text(f"no target {name[:100]!r} is configured\n{self._names()}", 404)

    def _no_kpi(self, kpi: str | None) -> web.Response | None:
        """Refuse a KPI that there is not; asked where nothing was found."""
        if kpi is None or kpi in (known := self._service.kpis()):
            return None
        return text("\n".join([f"no KPI {kpi[:100]!r}; the KPIs are:", *known]), 404)

    def _names(self) -> str:
        names = [target.name for target in self._service.config.targets]
        return "\n".join(["the targets are:", *names])


def _asked(request: web.Request) -> str:
    """Return the address that the client asked, without looking a name up."""
    if asked := request.headers.get("Host"):
        return asked
    host, port = request.get_extra_info("sockname")[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
