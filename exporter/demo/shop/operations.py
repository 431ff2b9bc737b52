"""The shop's HTTP operations, grouped by the server they need."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING
from zlib import crc32

from aiohttp import WSMsgType, web

from exporter.demo.shop import code
from exporter.demo.shop.database import PRODUCTS
from exporter.demo.shop.graph import EXECUTIONS
from exporter.demo.shop.limiter import TokenBucket

if TYPE_CHECKING:
    from exporter.demo.shop.cache import Cache
    from exporter.demo.shop.database import Database
    from exporter.demo.shop.graph import Graph
    from exporter.demo.shop.instruments import Instruments

_answer = partial(web.json_response, dumps=partial(json.dumps, default=str))
_LIMITED = "/api/quota"
_LIMIT_PER_SECOND = 10.0
_EMBEDDINGS = 1000


class Always:
    """Operations that need no server."""

    def __init__(self, instruments: Instruments) -> None:
        """Begin with a full bucket of permits."""
        self._instruments = instruments
        self._bucket = TokenBucket(_LIMIT_PER_SECOND)
        instruments.limited.labels(_LIMITED)  # a first one is only seen from 0 on

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/api/lint", self.lint),
            web.get(_LIMITED, self.quota),
            web.get("/ws", self.echo),
        ]

    async def lint(self, request: web.Request) -> web.Response:
        """Look for flaws in code."""
        try:
            return _answer({"findings": code.lint(await request.text())})
        except code.CodeError as error:
            return _answer({"error": str(error)}, status=422)

    async def quota(self, _request: web.Request) -> web.Response:
        """Answer ten requests a second, refuse the rest."""
        if self._bucket.take(time.monotonic()):
            return _answer({"left": True})
        self._instruments.limited.labels(_LIMITED).inc()
        return _answer({"error": "too many requests"}, status=429)

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        """Send each message back."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            started = time.perf_counter()
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
                took = time.perf_counter() - started
                self._instruments.websocket.observe(took)
        return socket


class Shop:
    """Operations on PostgreSQL, with the cache in front of it."""

    def __init__(
        self, database: Database, cache: Cache, instruments: Instruments
    ) -> None:
        """Use what is open."""
        self._database = database
        self._cache = cache
        self._instruments = instruments

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/products/{number}", self.product),
            web.get("/api/search", self.search),
            web.get("/api/customers/{number}/orders", self.orders),
            web.post("/api/orders/{number}/pay", self.pay),
            web.post("/api/login/{number}", self.login),
            web.post("/api/tasks", self.task),
            web.post("/api/embeddings", self.embedding),
        ]

    async def product(self, request: web.Request) -> web.Response:
        """Show a product, mostly from the cache."""
        number = _number(request)
        if number > PRODUCTS:
            return _answer({"error": "no such product"}, status=404)
        return _answer(await self._cache.get("product", number, self._database.product))

    async def search(self, request: web.Request) -> web.Response:
        """Find products that sound alike."""
        return _answer(await self._database.search(request.query.get("q", "")))

    async def orders(self, request: web.Request) -> web.Response:
        """List a customer's orders."""
        return _answer(await self._database.orders(_number(request)))

    async def pay(self, request: web.Request) -> web.Response:
        """Pay an order."""
        await self._database.pay(_number(request))
        return _answer({"paid": True})

    async def login(self, request: web.Request) -> web.Response:
        """Note that a user came."""
        number = _number(request)
        await self._database.login(number)
        return _answer({"visits": await self._cache.touch(number)})

    async def task(self, _request: web.Request) -> web.Response:
        """Queue a task for the worker."""
        return _answer({"id": await self._database.add_task("lint", 1)}, status=202)

    async def embedding(self, request: web.Request) -> web.Response:
        """Make a vector of a text, store it, and find its neighbours."""
        text = await request.text()
        started = time.perf_counter()
        vector = code.embed(text)
        await self._database.keep_embedding(crc32(text.encode()) % _EMBEDDINGS, vector)
        self._instruments.embedding.observe(time.perf_counter() - started)
        return _answer({"near": await self._database.nearest(vector)})


class History:
    """Operations on Neo4j: who ran which code."""

    def __init__(self, graph: Graph) -> None:
        """Use an open driver."""
        self._graph = graph
        self._moment = 2 * EXECUTIONS

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/executions/code/{name}", self.by_code),
            web.get("/api/executions/user/{name}", self.by_user),
            web.get("/api/audit", self.audit),
            web.post("/api/execute/{name}", self.execute),
        ]

    async def by_code(self, request: web.Request) -> web.Response:
        """List the executions of one piece of code."""
        return _answer(await self._graph.by_code_hash(request.match_info["name"]))

    async def by_user(self, request: web.Request) -> web.Response:
        """List a user's executions."""
        return _answer(await self._graph.by_user(request.match_info["name"]))

    async def audit(self, _request: web.Request) -> web.Response:
        """List the latest audit events."""
        return _answer(await self._graph.audit_since(self._moment - 100))

    async def execute(self, request: web.Request) -> web.Response:
        """Work out a sum and write down who asked for it."""
        try:
            value = code.execute(await request.text())
        except code.CodeError as error:
            return _answer({"error": str(error)}, status=422)
        self._moment += 1
        await self._graph.audit(request.match_info["name"], self._moment)
        return _answer({"value": value})


def _number(request: web.Request) -> int:
    text = request.match_info["number"]
    if not text.isdecimal() or len(text) > len("999999"):
        raise web.HTTPNotFound
    return int(text)
