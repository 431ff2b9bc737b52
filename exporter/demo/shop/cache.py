"""The shop's two-level cache: a small one in the process, a large one in Redis."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from exporter.demo.shop.instruments import Instruments

    Load = Callable[[int], Awaitable[dict[str, Any] | None]]

_NEAR_SECONDS = 30.0
_FAR_SECONDS = 3600
_NEAR_SIZE = 200


@asynccontextmanager
async def following(url: str, port: int) -> AsyncIterator[None]:
    """Keep Redis a replica of a port on this machine until the context closes."""
    async with Redis.from_url(url, protocol=2) as redis:
        await redis.replicaof("127.0.0.1", str(port))
        try:
            yield
        finally:
            await redis.replicaof("NO", "ONE")


class Cache:
    """Cache-aside: look near, look in Redis, else load and remember in both.

    Without Redis, or when it refuses, the shop still answers, only slower.
    """

    def __init__(self, url: str | None, instruments: Instruments) -> None:
        """Keep the address; nothing is opened yet."""
        self._instruments = instruments
        for count in (instruments.hit, instruments.miss):
            for level in ("l1", "l2"):
                count.labels(level, "product")  # a first one is only seen from 0 on
        self._near: dict[str, tuple[float, Any]] = {}
        self._redis = (
            Redis.from_url(
                url,
                protocol=2,
                socket_timeout=5,
                max_connections=20,
                retry=Retry(NoBackoff(), 0),
            )
            if url
            else None
        )

    async def get(self, kind: str, number: int, load: Load) -> Any:
        """Return a value, loading it when neither level knows it."""
        key = f"{kind}:{number}"
        kept = self._near.get(key)
        if kept and kept[0] > time.monotonic():
            self._instruments.hit.labels("l1", kind).inc()
            return kept[1]
        self._instruments.miss.labels("l1", kind).inc()
        value = await self._from_redis(kind, key)
        if value is None:
            value = await load(number)
            await self._to_redis(key, value)
        if len(self._near) >= _NEAR_SIZE:
            self._near.pop(next(iter(self._near)))
        self._near[key] = (self._expiry(), value)
        return value

    @staticmethod
    def _expiry() -> float:
        return time.monotonic() + _NEAR_SECONDS

    async def warm(self, kind: str, values: dict[int, Any]) -> None:
        """Put values into both levels before the first customer comes."""
        for number, value in values.items():
            self._near[f"{kind}:{number}"] = (self._expiry(), value)
            await self._to_redis(f"{kind}:{number}", value)

    async def touch(self, number: int) -> int:
        """Count a visit of a session in Redis; 0 when Redis refuses."""
        if not self._redis:
            return 0
        key = f"visits:{number}"
        try:
            visits: int = await self._redis.incr(key)
            await self._redis.expire(key, _FAR_SECONDS)
        except RedisError:
            return 0
        return visits

    async def _from_redis(self, kind: str, key: str) -> Any:
        if not self._redis:
            return None
        try:
            text = await self._redis.get(key)
        except RedisError:
            text = None
        counter = self._instruments.miss if text is None else self._instruments.hit
        counter.labels("l2", kind).inc()
        return None if text is None else json.loads(text)

    async def _to_redis(self, key: str, value: object) -> None:
        if not self._redis:
            return
        try:
            await self._redis.set(key, json.dumps(value), ex=_FAR_SECONDS)
        except RedisError:
            return

    async def close(self) -> None:
        """Close the connections."""
        if self._redis:
            await self._redis.aclose()
