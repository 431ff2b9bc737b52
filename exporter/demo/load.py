"""A steady, light load on the sample application: bounded and repeatable."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from exporter.demo.shop.database import CUSTOMERS, ORDERS, POPULAR
from exporter.demo.shop.graph import EXECUTIONS, USERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.demo.places import Places

PER_SECOND = 30
_IN_FLIGHT = 40
_ANSWER_PATIENCE = aiohttp.ClientTimeout(total=15)
_BURST_EVERY = 15.0
_BURST = 14
_SOCKET_PAUSE = 0.5


class Call(NamedTuple):
    """One request to the application."""

    method: str
    path: str
    body: str | None = None


class Operation(NamedTuple):
    """A kind of request: how often among the others, and what server it needs."""

    share: int
    needs: str | None
    make: Callable[[random.Random], Call]


def _product(dice: random.Random) -> Call:
    """Ask mostly for a few best sellers, as customers do: the cache is for them."""
    popular = dice.random() < 0.85  # noqa: PLR2004 - the share that keeps hits above 80 %
    return Call("GET", f"/api/products/{dice.randint(1, 5 if popular else POPULAR)}")


def _search(dice: random.Random) -> Call:
    color = dice.choice(("quiet", "kwiet", "bright", "faced", "clever", "sink"))
    return Call("GET", f"/api/search?q={color}+lamp+six+{dice.choice('bdfgk')}")


def _orders(dice: random.Random) -> Call:
    return Call("GET", f"/api/customers/{dice.randint(1, CUSTOMERS)}/orders")


def _code(dice: random.Random) -> Call:
    return Call("GET", f"/api/executions/code/code-{dice.randrange(EXECUTIONS // 2)}")


def _user(dice: random.Random) -> Call:
    return Call("GET", f"/api/executions/user/user-{dice.randrange(USERS)}")


def _execute(dice: random.Random) -> Call:
    body = f"{dice.randint(1, 99)} * ({dice.randint(1, 99)} + 1)"
    return Call("POST", f"/api/execute/user-{dice.randrange(USERS)}", body)


OPERATIONS = (
    Operation(2, None, lambda _: Call("GET", "/health")),
    Operation(3, None, lambda _: Call("POST", "/api/lint", "import os\nprint(1)\n")),
    Operation(8, "postgres", _product),
    Operation(4, "postgres", _search),
    Operation(4, "postgres", _orders),
    Operation(
        2,
        "postgres",
        lambda d: Call("POST", f"/api/orders/{d.randint(1, ORDERS)}/pay"),
    ),
    Operation(
        3, "postgres", lambda d: Call("POST", f"/api/login/{d.randint(1, CUSTOMERS)}")
    ),
    Operation(1, "postgres", lambda _: Call("POST", "/api/tasks")),
    Operation(
        1,
        "postgres",
        lambda d: Call("POST", "/api/embeddings", f"text {d.randrange(500)}"),
    ),
    Operation(2, "neo4j", _code),
    Operation(2, "neo4j", _user),
    Operation(1, "neo4j", lambda _: Call("GET", "/api/audit")),
    Operation(1, "neo4j", _execute),
)


def calls(present: frozenset[str], dice: random.Random) -> Iterator[Call]:
    """Yield requests without end, mixed by share, to what is there."""
    known = [o for o in OPERATIONS if o.needs is None or o.needs in present]
    shares = [operation.share for operation in known]
    while True:
        (operation,) = dice.choices(known, shares)
        yield operation.make(dice)


class Load:
    """Customers of the application; `skipped` counts what the bound held back."""

    def __init__(self, places: Places) -> None:
        """Keep the address; nothing is sent yet."""
        self._places = places
        self._running: set[asyncio.Task[None]] = set()
        self.skipped = 0

    async def run(self) -> None:
        """Send requests at a steady pace until cancelled.

        A slow application gets no more than a bounded number of them at once: what is
        over is left out, not queued.
        """
        async with aiohttp.ClientSession(
            self._places.application, timeout=_ANSWER_PATIENCE
        ) as session:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._steady(session))
                    group.create_task(self._bursts(session))
                    group.create_task(self._websocket(session))
            finally:
                for task in self._running:
                    task.cancel()
                await asyncio.gather(*self._running, return_exceptions=True)

    async def _steady(self, session: aiohttp.ClientSession) -> None:
        present = self._places.present()
        dice = random.Random(1)  # noqa: S311 - the same load each time is wanted
        clock = asyncio.get_running_loop().time
        due = clock()
        for call in calls(present, dice):
            due = max(due + 1 / PER_SECOND, clock() - 1)
            await asyncio.sleep(due - clock())
            if len(self._running) >= _IN_FLIGHT:
                self.skipped += 1
                continue
            task = asyncio.create_task(self._send(session, call))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _send(self, session: aiohttp.ClientSession, call: Call) -> None:
        # What went wrong is the application's to count; a customer just goes on.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.request(
                call.method, call.path, data=call.body
            ) as answer:
                await answer.read()

    async def _bursts(self, session: aiohttp.ClientSession) -> None:
        """Meet the rate limit now and then."""
        while True:
            for _ in range(_BURST):
                await self._send(session, Call("GET", "/api/quota"))
            await asyncio.sleep(_BURST_EVERY)

    async def _websocket(self, session: aiohttp.ClientSession) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                async with session.ws_connect("/ws") as socket:
                    while not socket.closed:
                        await socket.send_str("hello")
                        await socket.receive()
                        await asyncio.sleep(_SOCKET_PAUSE)
            await asyncio.sleep(_SOCKET_PAUSE)
