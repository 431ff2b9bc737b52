"""Receives Alertmanager's webhook calls on loopback and hands over what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from exporter.demo.alerting.notice import notices
from exporter.demo.servers.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from exporter.demo.alerting.notice import Notice


class Receiver:
    """A web server for as long as its context is open."""

    def __init__(self, arrived: Callable[[Notice], None]) -> None:
        """Take whom to tell of each alert that arrives."""
        self._arrived = arrived
        self._port = free_port()
        application = web.Application()
        application.add_routes([web.post("/", self._receive)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)

    @property
    def url(self) -> str:
        """Where Alertmanager is to send."""
        return f"http://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        for notice in notices(await request.json()):
            self._arrived(notice)
        return web.Response()
