"""Each fault of the demo breaks the real thing, and mends it afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import psutil
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError

from exporter.demo import faults
from exporter.demo.parts import Site, make_folder, start_servers
from exporter.demo.places import Places, required
from exporter.demo.programs import start_application
from exporter.demo.shop import graph
from tests.integration import (
    test_demo_faults_host,
    test_demo_faults_redis,
    test_demo_faults_tables,
)
from tests.integration.faulty_world import (
    ask,
    broken,
    call,
    index_names,
    operators,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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


async def test_plan_change_makes_the_list_of_orders_read_all(places: Places) -> None:
    plan = (
        "EXPLAIN (FORMAT JSON) SELECT id FROM orders WHERE customer_id = 7"
        " ORDER BY created_at DESC LIMIT 20"
    )
    assert "orders_customer" in str(await ask(places, plan))
    async with broken("plan-change", places):
        assert "Seq Scan" in str(await ask(places, plan))
    assert "orders_customer" in str(await ask(places, plan))


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
        # One is our own; one of another test's may have ended since.
        assert await ask(places, query) in {1, 2, 3}
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


async def test_neo4j_index_failed_makes_an_index_that_serves_nothing(
    places: Places,
) -> None:
    query = "SHOW INDEXES YIELD name, state WHERE state = 'FAILED' RETURN name"
    before = await index_names(places)

    async def failed() -> bool:
        async with graph.driver(required(places.neo4j)) as driver:
            answer = await driver.execute_query(query)
        return [record["name"] for record in answer.records] == ["snapshot_body"]

    async with broken("neo4j-index-failed", places):
        await until(failed)
    assert not await failed()
    assert await index_names(places) == before


async def test_neo4j_long_transaction_stays_open_and_lets_another_wait(
    places: Places,
) -> None:
    query = (
        "SHOW TRANSACTIONS YIELD currentQueryId, status"
        " WHERE status STARTS WITH 'Blocked' OR coalesce(currentQueryId, '') = ''"
        " RETURN left(status, 7) AS status ORDER BY status DESC"
    )

    async def found() -> list[str]:
        async with graph.driver(required(places.neo4j)) as driver:
            answer = await driver.execute_query(query)
        return [row["status"] for row in answer.records]

    async def blocked() -> bool:
        return len(await found()) > 1

    async with broken("neo4j-long-transaction", places):
        await until(blocked)
        assert await found() == ["Running", "Blocked"]
    assert await found() == []


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
    elsewhere = (
        test_demo_faults_host,
        test_demo_faults_redis,
        test_demo_faults_tables,
    )
    here = {*globals()}.union(*map(vars, elsewhere))
    tried = {name for name in here if name.startswith("test_")}
    untried = [
        name
        for name in faults.names()
        if not any(test.startswith(f"test_{name.replace('-', '_')}") for test in tried)
    ]
    assert untried == []
