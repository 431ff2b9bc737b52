"""Runs a script in Redis that keeps it busy for 300 ms of every second.

Breaks the promise on Redis command latency: Redis serves one command at a time, so all
others wait behind the script.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from redis.asyncio import Redis
from redis.exceptions import RedisError

from exporter.demo.cancelled import heed_cancellation
from exporter.demo.places import required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import NoReturn

    from exporter.demo.places import Places

NEEDS = ("redis",)

_BUSY_SECONDS = 0.3
_PAUSE_SECONDS = 0.7
_SCRIPT = """
local finish = os.clock() + tonumber(ARGV[1])
while os.clock() < finish do end
return 1
"""


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep Redis busy as long as the context is open."""
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        busy = asyncio.create_task(_keep_busy(redis))
        try:
            yield
        finally:
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)


async def _keep_busy(redis: Redis) -> NoReturn:
    busy = redis.register_script(_SCRIPT)
    while True:
        # A server that is away for a moment is made busy again when it is back.
        with suppress(RedisError):
            await busy(args=[_BUSY_SECONDS])
        heed_cancellation()
        await asyncio.sleep(_PAUSE_SECONDS)
