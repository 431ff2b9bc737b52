"""Ten thousand alerts at once: none is lost, and neither peers nor people drown."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.integration.incidents_support import (
    Asked,
    Sidecar,
    Told,
    alert,
    answering,
    config,
    sidecar,
)
from tests.integration.web_support import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ALERTS = 10_000
A_CALL = 20
WINDOW = 1.0  # seconds for which news are gathered
FRESH = 30.0  # seconds for which an answer serves
TARGETS = ("shop", "cache", "local")
KPIS = ("pg_lock_waiters", "db_query_p95", "redis_memory_used", "cpu_used")


def storm() -> list[dict[str, Any]]:
    return [
        alert(number, target=TARGETS[number % 3], kpi=KPIS[number % 4])
        for number in range(ALERTS)
    ]


async def call(running: Sidecar, alerts: Sequence[dict[str, Any]]) -> set[int]:
    """Send all of them, many calls at a time; returns what was answered."""
    turns = asyncio.Semaphore(50)

    async def one(start: int) -> int:
        async with turns:
            return await running.post(*alerts[start : start + A_CALL])

    return {*await asyncio.gather(*map(one, range(0, len(alerts), A_CALL)))}


async def counted(running: Sidecar) -> int:
    total: int = (await running.json("/incidents.json?limit=1"))["total"]
    return total


async def test_a_storm_loses_nothing_and_asks_and_tells_little(tmp_path: Path) -> None:
    asked, told = Asked(), Told()
    async with answering(asked) as url, answering(told) as hook:
        given = config(
            tmp_path / "i.db",
            exporter=url,
            prometheus=url,
            window=f"{WINDOW:g}s",
            receivers=[{"name": "pager", "url": hook}],
        )
        async with sidecar(given) as running:
            begun = time.monotonic()
            assert await call(running, storm()) == {200}
            assert await counted(running) == ALERTS
            await until(lambda: sum(b["opened"] for b in told.bodies) == ALERTS)
            await until(running.frozen)
            newest = await running.listed("limit=1000")
            again = await call(running, storm()[:1000])
            total = await counted(running)
            took = time.monotonic() - begun
    assert (again, total) == ({200}, ALERTS)
    # at most one message a window, however long a busy machine takes for the storm
    assert len(told.bodies) <= 1 + took / WINDOW
    assert max(len(body["incidents"]) for body in told.bodies) <= 20
    shown = sum(len(body["incidents"]) for body in told.bodies)
    assert sum(body["left_out"] for body in told.bodies) == ALERTS - shown
    assert all(one["first_cause"] for one in newest)
    # 3 targets, 4 promises: each question once for all, though 10,000 want an answer
    times = 1 + int(took / FRESH)
    assert max(Counter(asked.queries).values()) <= times
    tables = [q for q in asked.queries if q.startswith("/api/evidence")]
    assert len({*tables}) == 3
    assert len(asked.queries) < 100 * times
