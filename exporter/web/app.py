"""Puts the pages together to one aiohttp application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from exporter.web.analyze import Analyze
from exporter.web.guard import boundary, guard
from exporter.web.performance import Performance
from exporter.web.routes import PATHS, Routes

if TYPE_CHECKING:
    from exporter.web.service import Service
    from exporter.web.web_config import WebConfig


def build(service: Service, config: WebConfig | None) -> web.Application:
    """Make the application that answers every path of the exporter.

    `config` guards all of it, health and reload included; without one everybody passes.
    """
    guards = [guard(config)] if config else []
    application = web.Application(middlewares=[boundary(PATHS), *guards])
    Routes(service).add_to(application)
    Performance(service).add_to(application)
    Analyze(service).add_to(application)

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "kpi-exporter"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if config:
            wanted = config.settings.http_server_config.headers
            response.headers.update({k: v for k, v in wanted.items() if v})

    application.on_response_prepare.append(add_headers)
    return application
