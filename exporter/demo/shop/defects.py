"""Defects that can be switched on, as a bad release would bring them."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import ClientSession, web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PATH = "/-/defect"


@asynccontextmanager
async def switched(
    application: str, *, fail: float = 0.0, delay: float = 0.0
) -> AsyncIterator[None]:
    """Switch defects on in a running shop, and off when the context closes.

    `fail` is the share of requests that fail, `delay` the seconds that each one takes
    longer.
    """
    async with ClientSession(application, raise_for_status=True) as session:
        await session.put(_PATH, json={"fail": fail, "delay": delay})
        try:
            yield
        finally:
            await session.put(_PATH, json={})


class DefectError(Exception):
    """What a handler of the bad release raises."""


class Defects:
    """A share of requests that fail, and seconds that each request takes longer."""

    def __init__(self) -> None:
        """Begin without defects."""
        self._fail = 0.0
        self._delay = 0.0

    def routes(self) -> list[web.RouteDef]:
        """Return the route of the switch."""
        return [web.put(_PATH, self.switch)]

    async def switch(self, request: web.Request) -> web.Response:
        """Set both defects: `{"fail": 0.2, "delay": 0.8}`; what is left out is off."""
        wanted = await request.json()
        self._fail = float(wanted.get("fail", 0))
        self._delay = float(wanted.get("delay", 0))
        return web.json_response({"fail": self._fail, "delay": self._delay})

    @web.middleware
    async def suffer(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Let the defects act on a request of a customer."""
        if request.path.startswith("/api/"):
            if self._delay:
                await asyncio.sleep(self._delay * (0.75 + random.random() / 2))  # noqa: S311 - a delay is no secret
            if random.random() < self._fail:  # noqa: S311 - nor is this
                raise DefectError("the new release fails now and then")
        return await handler(request)
