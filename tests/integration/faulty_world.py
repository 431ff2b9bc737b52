"""What the tests of the demo's faults ask its servers and its application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg

from exporter.demo import faults
from exporter.demo.places import Places, required
from exporter.demo.shop import graph

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager


def broken(name: str, places: Places) -> AbstractAsyncContextManager[None]:
    return faults.load(name).broken(places)


async def ask(places: Places, query: str) -> Any:
    """Return the first value of the first row, None without one."""
    async with await psycopg.AsyncConnection.connect(
        required(places.postgres_owner), autocommit=True
    ) as owner:
        row = await (await owner.execute(query)).fetchone()
    return row[0] if row else None


async def call(places: Places, method: str, path: str, body: str = "") -> int:
    """Send one request to the application and return the status of its answer."""
    async with aiohttp.ClientSession(places.application) as session:
        answer = await session.request(method, path, data=body)
        return answer.status


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so, ten seconds at the most."""
    async with asyncio.timeout(10):
        while not await look():  # noqa: ASYNC110 - a server has no event to wait for
            await asyncio.sleep(0.05)


async def operators(places: Places, query: str) -> set[str]:
    """Return the names of the operators in a Cypher query's plan."""
    async with graph.driver(required(places.neo4j)) as driver:
        answer = await driver.execute_query(f"EXPLAIN {query}", x="1")
    found, waiting = set(), [answer.summary.plan]
    while waiting:
        plan = waiting.pop()
        assert plan is not None
        found.add(plan["operatorType"].removesuffix("@neo4j"))
        waiting += plan.get("children", [])
    return found


async def index_names(places: Places) -> set[str]:
    async with graph.driver(required(places.neo4j)) as driver:
        answer = await driver.execute_query(
            "SHOW INDEXES YIELD name, state WHERE state = 'ONLINE' RETURN name"
        )
    return {record["name"] for record in answer.records}
