"""Runs the shop: `python -m exporter.demo.shop.application SETTINGS_FILE`."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from exporter.demo.places import Places
from exporter.demo.shop import graph, instruments
from exporter.demo.shop.cache import Cache
from exporter.demo.shop.database import Database, Pool
from exporter.demo.shop.defects import Defects
from exporter.demo.shop.operations import Always, History, Shop
from exporter.demo.shop.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger("shop")
_INTERNAL = 500


class Application:
    """The shop on one port, with its metrics, health and defects."""

    def __init__(self) -> None:
        """Make the metrics; nothing is opened yet."""
        self._instruments = instruments.Instruments()
        self._defects = Defects()
        self._database: Database | None = None

    async def run(self, places: Places) -> None:
        """Serve until SIGTERM or SIGINT."""
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with AsyncExitStack() as stack:
            application = web.Application(
                middlewares=[self._measure, self._defects.suffer]
            )
            application.add_routes(await self._routes(places, stack))
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            address = urlsplit(places.application)
            await web.TCPSite(runner, address.hostname, address.port).start()
            await stopped.wait()

    async def _routes(
        self, places: Places, stack: AsyncExitStack
    ) -> list[web.RouteDef]:
        routes = [
            *self._defects.routes(),
            *Always(self._instruments).routes(),
            web.get("/metrics", self._metrics),
            web.get("/health", self._health),
        ]
        cache = Cache(places.redis, self._instruments)
        stack.push_async_callback(cache.close)
        if places.postgres:
            self._database = await self._open_database(places.postgres, stack)
            await cache.warm("product", await self._database.popular())
            routes += Shop(self._database, cache, self._instruments).routes()
        if places.neo4j:
            driver = await stack.enter_async_context(graph.driver(places.neo4j))
            # The first query of each kind takes seconds: no customer shall wait for it.
            await graph.Graph(driver, instruments.Instruments()).warm_up()
            history = History(graph.Graph(driver, self._instruments))
            routes += history.routes()
        return routes

    async def _open_database(self, url: str, stack: AsyncExitStack) -> Database:
        pool = Pool(url)
        stack.push_async_callback(pool.close)
        await pool.open()
        opened = Database(pool, self._instruments)
        worker = asyncio.create_task(Worker(opened, self._instruments).run())
        stack.callback(worker.cancel)
        return opened

    async def _metrics(self, _request: web.Request) -> web.Response:
        headers = {"Content-Type": instruments.CONTENT_TYPE}
        return web.Response(body=self._instruments.page(), headers=headers)

    async def _health(self, _request: web.Request) -> web.Response:
        if self._database:
            await self._database.ping()
        return web.json_response({"status": "ok"})

    @web.middleware
    async def _measure(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if request.path == "/metrics" or request.path.startswith("/-/"):
            return await handler(request)
        started = time.perf_counter()
        status = _INTERNAL
        with self._instruments.connections.track_inprogress():
            try:
                response = await handler(request)
                status = response.status
            except web.HTTPException as refusal:
                status = refusal.status
                raise
            except Exception as error:  # noqa: BLE001 - the one boundary of the sample application
                _LOG.warning("%s %s: %s", request.method, request.path, error)
                response = web.json_response({"error": "internal"}, status=status)
            finally:
                if request.path != "/ws":
                    took = time.perf_counter() - started
                    self._instruments.request(
                        request.method, _route(request), status, took
                    )
        return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"


def main(arguments: list[str]) -> None:
    """Read the settings file and serve."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    settings = json.loads(Path(arguments[0]).read_text("utf-8"))
    asyncio.run(Application().run(Places.from_dict(settings)))


if __name__ == "__main__":
    main(sys.argv[1:])
