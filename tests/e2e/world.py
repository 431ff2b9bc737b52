"""The demo's world with Prometheus and Alertmanager, its load, and a witness."""

from __future__ import annotations

import asyncio
import json
import shutil
import urllib.parse
import urllib.request
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from exporter.catalogue.plan import Plan
from exporter.config_load import load as load_config
from exporter.demo.alerting.servers import Scraped, start_alerting
from exporter.demo.children import in_thread
from exporter.demo.load import Load
from exporter.demo.parts import Site, make_folder, start_servers
from exporter.demo.places import required
from exporter.demo.programs import EXPORTER_FILE, start_application, start_exporter
from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer, from_wheel
from exporter.promises import plan_of
from tests.e2e.book import Book
from tests.e2e.sidecar import keeping
from tests.e2e.witness import Witness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from exporter.demo.places import Places


class World(NamedTuple):
    """What runs: where it is, what has arrived, who looks, and what is promised.

    `incidents` is where the sidecar lists its incidents.
    """

    places: Places
    book: Book
    witness: Witness
    prometheus: str = ""
    plan: Plan = Plan(())
    incidents: str = ""

    async def ask(self, path: str, **parameters: str) -> Any:
        """Ask Prometheus' API; returns what stands under `data`."""
        query = urllib.parse.urlencode(parameters)
        url = f"{self.prometheus}/api/v1/{path}?{query}"
        return (await asyncio.to_thread(_get, url))["data"]

    async def incident(self, alert: str, since: float) -> dict[str, Any] | None:
        """Return the first incident of an alert that began after a moment."""
        found = (await asyncio.to_thread(_get, self.incidents))["incidents"]
        began = datetime.fromtimestamp(since - 1, UTC).isoformat()
        fitting = [i for i in found if i["alert"] == alert and i["opened"] >= began]
        return fitting[-1] if fitting else None


@asynccontextmanager
async def running(say: Callable[[str], None]) -> AsyncIterator[World]:
    """Start everything, and end it; raises ServerError when a server is missing."""
    async with AsyncExitStack() as stack:
        witness = Witness()
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(witness.run())]
        stack.push_async_callback(_end, tasks)
        folder = make_folder()
        stack.push_async_callback(asyncio.to_thread, shutil.rmtree, folder)
        site = Site(folder, stack, say)
        listen = f"127.0.0.1:{free_port()}"
        places, watch = await start_servers(site, listen)
        await _start_replica(site, required(places.redis))
        await start_application(site, places)
        await start_exporter(site, watch)
        load = [asyncio.create_task(Load(places).run())]
        stack.push_async_callback(_end, load)
        book = Book(witness.saw)
        application = urlsplit(places.application).netloc
        scraped = Scraped(listen, application, folder / EXPORTER_FILE)
        yield await _alerted(site, scraped, World(places, book, witness))


async def _alerted(site: Site, scraped: Scraped, world: World) -> World:
    """Add who judges and who keeps incidents."""
    listen = f"127.0.0.1:{free_port()}"
    hooks = [f"http://{listen}/alertmanager"]
    servers = await start_alerting(site, scraped, world.book.arrived, hooks)
    config = load_config(scraped.configuration)
    keeper = keeping(config, site.folder, (listen, servers.prometheus))
    incidents = await site.stack.enter_async_context(keeper)
    return world._replace(
        prometheus=servers.prometheus, plan=plan_of(config), incidents=incidents
    )


async def _start_replica(site: Site, master: str) -> None:
    """Start a replica of the demo's Redis, which has none of its own."""
    parts = urlsplit(master)
    password = unquote(parts.password or "")
    replica = RedisServer(
        site.folder / "replica",
        binary=from_wheel(),
        settings={
            "replicaof": f"{parts.hostname} {parts.port}",
            "masterauth": f'"{password}"',
        },
    )
    site.stack.push_async_callback(asyncio.to_thread, replica.stop)
    await in_thread(replica.start)


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)
