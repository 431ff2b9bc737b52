"""Each fault of the demo breaks the real thing, and mends it afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil
import psycopg
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError

from exporter.demo import faults
from exporter.demo.parts import Site, make_folder, start_servers
from exporter.demo.places import Places, required
from exporter.demo.programs import start_application
from exporter.demo.shop import graph

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def places() -> AsyncIterator[Places]:
    """Start the three servers and the application once for all faults."""
    said: list[str] = []
    async with AsyncExitStack() as stack:
        folder = make_folder()
        stack.callback(shutil.rmtree, folder)
        site = Site(folder, stack, said.append)
        started, _ = await start_servers(site, "127.0.0.1:1")
        assert started.present() == {"postgres", "redis", "neo4j"}, said
        await start_application(site, started)
        yield started


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


async def test_slow_query_makes_each_search_read_all_products(places: Places) -> None:
    plan = (
        "EXPLAIN (FORMAT JSON) SELECT id FROM products"
        " WHERE sounds_like(title) = sounds_like('quiet lamp')"
    )
    assert "products_sound" in str(await ask(places, plan))
    async with broken("slow-query", places):
        assert "Seq Scan" in str(await ask(places, plan))
        await ask(places, "SELECT pg_stat_statements_reset()")
        assert await call(places, "GET", "/api/search?q=quiet+lamp") == 200
        took = await ask(
            places,
            "SELECT max(mean_exec_time) FROM pg_stat_statements"
            " WHERE query LIKE '%sounds_like(title)%'",
        )
        assert took > 100
    assert "products_sound" in str(await ask(places, plan))


async def test_lock_blocks_a_payment_until_it_is_released(places: Places) -> None:
    async def blocked() -> bool:
        query = (
            "SELECT a.application_name FROM pg_stat_activity b JOIN pg_stat_activity a"
            " ON a.pid = ANY (pg_blocking_pids(b.pid)) WHERE b.wait_event_type = 'Lock'"
        )
        return bool(await ask(places, query) == "migration")

    async with broken("lock", places):
        payment = asyncio.create_task(call(places, "POST", "/api/orders/1/pay"))
        await until(blocked)
    assert await payment == 200


async def test_lock_lets_a_payment_fail_that_waits_too_long(places: Places) -> None:
    async with broken("lock", places):
        assert await call(places, "POST", "/api/orders/1/pay") == 500


async def test_invalid_index_leaves_one_and_takes_it_away(places: Places) -> None:
    query = (
        "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
        " AND indexrelid = to_regclass('orders_one_per_customer')"
    )
    async with broken("invalid-index", places):
        assert await ask(places, query) == 1
    assert await ask(places, "SELECT to_regclass('orders_one_per_customer')") is None


async def test_connections_leaves_two_and_gives_them_back(places: Places) -> None:
    query = (
        "SELECT current_setting('max_connections')::int - 3 - count(*)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )

    async def freed() -> bool:
        return bool(await ask(places, query) > 50)

    async with broken("connections", places):
        assert await ask(places, query) in {1, 2}  # one is our own
    await until(freed)


async def test_idle_in_transaction_leaves_three_transactions_open(
    places: Places,
) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"

    async def gone() -> bool:
        return bool(await ask(places, query) == 0)

    async with broken("idle-in-transaction", places):
        assert await ask(places, query) == 3
    await until(gone)


async def test_neo4j_drop_index_takes_one_of_the_expected_away(places: Places) -> None:
    before = await index_names(places)
    async with broken("neo4j-drop-index", places):
        assert before - await index_names(places) == {"executionresult_code_hash"}
        query = graph.BY_CODE_HASH.replace("$code_hash", "$x")
        assert "NodeByLabelScan" in await operators(places, query)
    assert await index_names(places) == before


async def test_neo4j_scan_makes_the_query_by_user_read_all_nodes(
    places: Places,
) -> None:
    query = graph.BY_USER.replace("$user_id", "$x")
    assert "NodeIndexSeek" in await operators(places, query)
    async with broken("neo4j-scan", places):
        assert "NodeByLabelScan" in await operators(places, query)
    assert "NodeIndexSeek" in await operators(places, query)


async def test_redis_full_makes_redis_refuse_writes(places: Places) -> None:
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        before = await redis.config_get("maxmemory*")
        keys = await redis.dbsize()
        async with broken("redis-full", places):
            with pytest.raises(OutOfMemoryError):
                await redis.set("one-more", "x" * 100)
            assert await call(places, "POST", "/api/login/1") == 200
        assert await redis.config_get("maxmemory*") == before
        assert await redis.dbsize() == keys
        assert await redis.set("one-more", "x")


async def test_redis_slow_keeps_redis_busy(places: Places) -> None:
    async with Redis.from_url(required(places.redis), protocol=2) as redis:

        async def calls() -> dict[str, Any]:
            every = await redis.info("commandstats")
            return dict(every.get("cmdstat_evalsha", {"calls": 0}))

        async def ran() -> bool:
            return bool((await calls())["calls"] >= 2)

        async with broken("redis-slow", places):
            await until(ran)
        done = await calls()
        assert done["usec"] > 250_000 * (done["calls"] - done["failed_calls"])
        assert (await calls())["calls"] == done["calls"]


async def test_redis_replica_makes_redis_refuse_writes_and_keep_its_keys(
    places: Places,
) -> None:
    async with Redis.from_url(required(places.redis), protocol=2) as redis:
        keys = await redis.dbsize()
        async with broken("redis-replica", places):
            assert (await redis.info("replication"))["master_link_status"] == "down"
            with pytest.raises(ReadOnlyError):
                await redis.set("one-more", "x")
            assert await call(places, "POST", "/api/login/1") == 200
        assert await redis.dbsize() == keys
        assert await redis.set("one-more", "x")


async def test_postgres_login_keeps_the_monitoring_role_out(places: Places) -> None:
    query = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'monitor'"
    async with broken("postgres-login", places):
        assert await ask(places, query) is False
        assert await call(places, "POST", "/api/orders/1/pay") == 200
    assert await ask(places, query) is True


async def test_cpu_keeps_a_process_for_each_core_busy(places: Places) -> None:
    def burners() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [child for child in children if child.nice() == 15]

    async def busy() -> bool:
        return len(burners()) == os.cpu_count() and all(
            burner.cpu_times().user > 0 for burner in burners()
        )

    async with broken("cpu", places):
        await until(busy)
    assert burners() == []


async def test_app_errors_lets_a_fifth_of_the_requests_fail(places: Places) -> None:
    async def statuses() -> list[int]:
        return [await call(places, "POST", "/api/lint", "1") for _ in range(100)]

    async with broken("app-errors", places):
        assert 3 <= (await statuses()).count(500) <= 50
    assert set(await statuses()) == {200}


async def test_app_slow_makes_each_request_take_longer_than_promised(
    places: Places,
) -> None:
    async with broken("app-slow", places):
        started = time.monotonic()
        assert await call(places, "POST", "/api/lint", "1") == 200
        assert time.monotonic() - started > 0.5


async def test_every_fault_is_tried_here() -> None:
    tried = {name for name in globals() if name.startswith("test_")}
    untried = [
        name
        for name in faults.names()
        if not any(test.startswith(f"test_{name.replace('-', '_')}") for test in tried)
    ]
    assert untried == []
