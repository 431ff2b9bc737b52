"""Faults of the demo that break the machine itself show in the host's collectors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.collectors.host_process_groups import Totals
from exporter.demo import faults
from exporter.demo.places import Places
from tests.integration.host_fixtures import poll, reading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PLACES = Places(application="http://127.0.0.1:1")


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await what():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.1)


async def test_open_files_brings_a_process_next_to_its_limit() -> None:
    async def ratio() -> float:
        async with reading() as source:
            shown = await poll(source, "process_groups", Totals())
        return float(shown["node_process_group_open_fds_ratio"]["python",])

    async def is_high() -> bool:
        return await ratio() > 0.95

    async def is_low() -> bool:
        return await ratio() < 0.8

    async with faults.load("open-files").broken(PLACES):
        await until(is_high)
    await until(is_low)


async def test_full_queue_makes_the_kernel_drop_connections() -> None:
    async def dropped() -> float:
        async with reading() as source:
            shown = await poll(source, "sockets", None)
        return float(shown["node_netstat_TcpExt_ListenOverflows"][()])

    before = await dropped()

    async def are_more() -> bool:
        return await dropped() > before + 10

    async with faults.load("full-queue").broken(PLACES):
        await until(are_more)
