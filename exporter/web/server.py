"""Listens on an address, and changes certificates there while connections go on."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from asyncio.sslproto import SSLProtocol
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.errors import ConfigError
from exporter.units import address as split

if TYPE_CHECKING:
    import ssl

    from exporter.web.web_config import WebConfig

_BACKLOG = 1024
_LOOK_SECONDS = 1.0
_IDLE_SECONDS = 300.0
_GOODBYE_SECONDS = 5.0
# One TLS record fits. With asyncio's own 256 KiB per connection, 200 scrapers at once
# cost 50 MiB; it can be set for all connections of the process only.
_TLS_READ_BYTES = 20 * 1024

_log = logging.getLogger(__name__)


class Server(web.AppRunner):
    """An application on one listening socket; `cleanup()` ends all of it.

    Each TLS context gets a site of its own on a copy of that socket: a changed one
    replaces the site, no connection is refused meanwhile, and running ones go on.
    """

    def __init__(
        self,
        application: web.Application,
        listening: socket.socket,
        config: WebConfig | None,
    ) -> None:
        """Take a bound socket, which is closed at the end."""
        super().__init__(
            application,
            access_log=None,
            keepalive_timeout=_IDLE_SECONDS,
            shutdown_timeout=_GOODBYE_SECONDS,
        )
        self._listening = listening
        self._config = config
        self._site: web.SockSite | None = None
        self._context: ssl.SSLContext | None = None
        self._following: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to answer, and to follow the web configuration if there is one."""
        await self.setup()
        await self._serve()
        if self._config:
            self._following = asyncio.create_task(self._follow(self._config))

    async def cleanup(self) -> None:
        """Stop listening, give running answers a few seconds, close everything."""
        if self._following:
            self._following.cancel()
            await asyncio.wait([self._following])
        self._listening.close()
        await super().cleanup()

    async def _serve(self) -> None:
        context = self._config.context if self._config else None
        if context:
            SSLProtocol.max_size = _TLS_READ_BYTES
        site = web.SockSite(
            self, self._listening.dup(), ssl_context=context, backlog=_BACKLOG
        )
        await site.start()
        if self._site:
            await self._site.stop()
        self._site, self._context = site, context

    async def _follow(self, config: WebConfig) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                config.refresh()
                if config.context is not self._context:
                    await self._serve()
            except Exception:  # noqa: BLE001 - or no later change would be seen
                _log.exception("the changed web configuration is not used")


async def start(
    application: web.Application, address: str, config: WebConfig | None
) -> Server:
    """Serve an application on `host:port` until `cleanup()` of what is returned.

    `config` must be the one that the application was built with. Port 0 takes any free
    port; `addresses` of what is returned says which. Raises ConfigError, in words for
    the reader, when nobody can listen there.
    """
    server = Server(application, _listen(address), config)
    try:
        await server.open()
    except BaseException:
        await server.cleanup()
        raise
    return server


def _listen(address: str) -> socket.socket:
    try:
        host, port = split(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except ValueError as error:
        raise ConfigError([f"web.listen: {error}"]) from error
    except OSError as error:
        raise ConfigError([f"web.listen: {address}: {_advice(error)}"]) from error


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                "the port is in use, perhaps by another kpi-exporter; "
                "stop that or choose another port"
            )
        case errno.EACCES:
            return "not allowed; ports below 1024 are for root, choose another"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address"
        case _:
            return error.strerror or str(error)
