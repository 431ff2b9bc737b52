"""The demo's faults about tables and their age, on PostgreSQL alone."""

from __future__ import annotations

import shutil
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from exporter.demo.parts import Site, make_folder, start_postgres
from exporter.demo.places import Places
from tests.integration.faulty_world import ask, broken, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def places() -> AsyncIterator[Places]:
    """Start PostgreSQL with the shop's tables."""
    async with AsyncExitStack() as stack:
        folder = make_folder()
        stack.callback(shutil.rmtree, folder)
        started = await start_postgres(Site(folder, stack, lambda _: None))
        yield Places(application="", postgres_owner=started.owner)


async def test_stale_statistics_leaves_a_table_that_nobody_vacuums_or_analyzes(
    places: Places,
) -> None:
    query = (
        "SELECT least(n_mod_since_analyze - 20000, n_dead_tup)"
        " FROM pg_stat_user_tables WHERE relname = 'customers'"
    )

    async def changed() -> bool:
        return bool(await ask(places, query) >= 20_000)

    rows = await ask(places, "SELECT count(*) FROM customers")
    async with broken("stale-statistics", places):
        await until(changed)
    assert await ask(places, "SELECT count(*) FROM customers") == rows
    options = "SELECT reloptions FROM pg_class WHERE relname = 'customers'"
    assert await ask(places, options) is None


async def test_wraparound_makes_a_table_old_and_young_again(places: Places) -> None:
    queries = (
        "SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()",
        "SELECT age(relfrozenxid) FROM pg_class WHERE oid = 'customers'::regclass",
    )
    before = [await ask(places, query) for query in queries]
    async with broken("wraparound", places):
        ages = [await ask(places, query) for query in queries]
        for young, old in zip(before, ages, strict=True):
            assert old - young in range(1_200_000_000, 1_200_000_100)
        await until(lambda: _autovacuum(places, "off"))
    after = [await ask(places, query) for query in queries]
    assert max(after) < max(before) + 1000
    await until(lambda: _autovacuum(places, "on"))


async def _autovacuum(places: Places, state: str) -> bool:
    return bool(await ask(places, "SHOW autovacuum") == state)
