"""A sidecar that keeps incidents, those it asks, and those it tells, on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp
from aiohttp import web

from exporter.config_sidecar import WithSidecar
from exporter.sidecar.incidents.part import Incidents
from exporter.sidecar.incidents.tell import Backoff
from exporter.sidecar.own import Own
from exporter.sidecar.pages import Pages, build
from exporter.web.server import start
from tests.integration.web_support import port_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import TracebackType

    from exporter.config import Config
    from exporter.web.web_config import WebConfig

BEGAN = 1_760_000_000.0


def config(path: Path, **incidents: Any) -> Config:
    """Make a configuration; `exporter` and `prometheus` are whom the sidecar asks."""
    exporter = incidents.pop("exporter", "http://127.0.0.1:1")
    prometheus = incidents.pop("prometheus", None)
    section: dict[str, Any] = {
        "exporter": exporter,
        "incidents": {"path": str(path), "window": "100ms", **incidents},
    }
    if prometheus:
        section["prometheus"] = {"url": prometheus, "rules": str(path.parent)}
    made = WithSidecar.model_validate(
        {
            "postgres": {"shop": {"dsn": "postgresql://monitor@db1/shop"}},
            "redis": {"cache": {"url": "redis://cache:6379/0"}},
            "host": {"local": {}},
            "applications": {"web": {"selector": 'job="web"', "targets": ["shop"]}},
            "sidecar": section,
        }
    )
    for targets in (made.postgres, made.redis, made.host):
        for name, target in targets.items():
            target.name_it(name)
    return made


def alert(number: int = 0, *, over: bool = False, **labels: str) -> dict[str, Any]:
    """Write an alert as Alertmanager does; `number` tells it from others."""
    return {
        "status": "resolved" if over else "firing",
        "labels": {
            "alertname": "PgLockWaiters",
            "kpi": "pg_lock_waiters",
            "severity": "critical",
            "target": "shop",
            "number": str(number),
            **labels,
        },
        "annotations": {
            "summary": f"Sessions that wait for a lock: {number} on shop",
            "evidence": "migration in shop: idle in transaction, blocks 3\n",
        },
        "startsAt": "2025-10-09T08:53:20.123456789Z",
        "endsAt": "2025-10-09T08:58:20Z" if over else "0001-01-01T00:00:00Z",
        "fingerprint": f"{number:016x}",
    }


def call(*alerts: dict[str, Any]) -> dict[str, Any]:
    """Write a call of Alertmanager's webhook."""
    return {
        "version": "4",
        "groupKey": "{}",
        "receiver": "sidecar",
        "alerts": [*alerts],
    }


class Fixed(NamedTuple):
    """A configuration that stays in force."""

    config: Config


class Sidecar:
    """The sidecar's incidents as they run, and a client for them."""

    def __init__(self, part: Incidents, url: str) -> None:
        self.part, self.url = part, url

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, *alerts: dict[str, Any]) -> int:
        """Call the webhook; returns the status of the answer."""
        async with self._session.post("/alertmanager", json=call(*alerts)) as answer:
            return answer.status

    async def text(self, path: str) -> str:
        async with self._session.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def status(self, path: str) -> int:
        async with self._session.get(path) as answer:
            return answer.status

    async def json(self, path: str) -> Any:
        return json.loads(await self.text(path))

    async def listed(self, query: str = "limit=1000") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.json(f"/incidents.json?{query}"))[
            "incidents"
        ]
        return found

    async def frozen(self) -> bool:
        """Whether every incident has been looked at."""
        return None not in [i["first_cause"] for i in await self.listed()]


@asynccontextmanager
async def sidecar(
    given: Config, guard: WebConfig | None = None
) -> AsyncIterator[Sidecar]:
    """Run the incidents of a configuration behind their pages."""
    assert given.sidecar is not None
    own = Own()
    part = Incidents(Fixed(given), given.sidecar, own, time.time)
    for teller in part._tellers:
        teller._manner = teller._manner._replace(backoff=Backoff(0.05, 0.5))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(part.close)
        server = await start(build(Pages([part], own), guard), "127.0.0.1:0", guard)
        stack.push_async_callback(server.cleanup)
        running = asyncio.create_task(part.run())
        stack.push_async_callback(_end, running)
        url = f"http://127.0.0.1:{port_of(server)}"
        yield await stack.enter_async_context(Sidecar(part, url))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Told:
    """A receiver of messages; answers what `status` says, after `delay` seconds."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.tries = 0
        self.status = 200
        self.delay = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.tries += 1
        await asyncio.sleep(self.delay)
        if self.status == 200:
            self.bodies.append(await request.json())
            self.keys.append(request.headers["Idempotency-Key"])
        return web.Response(status=self.status)


class Asked:
    """Stands in for exporter and Prometheus: to be slow, or to be counted."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.delay = 0.0
        self.status = 200
        self.tables: list[dict[str, Any]] = []
        self.result: list[Any] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.queries.append(request.path_qs)
        await asyncio.sleep(self.delay)
        if request.path == "/api/evidence":
            return web.json_response({"evidence": self.tables}, status=self.status)
        return web.json_response({"data": {"result": self.result}}, status=self.status)


@asynccontextmanager
async def answering(peer: Told | Asked, port: int = 0) -> AsyncIterator[str]:
    """Serve a peer; gives its address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", peer.answer)
    server = await start(application, f"127.0.0.1:{port}", None)
    try:
        yield f"http://127.0.0.1:{port_of(server)}"
    finally:
        await server.cleanup()
