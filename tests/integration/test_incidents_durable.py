"""What was acknowledged is kept: after kill -9, and when there is no room left."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import aiohttp
import psutil

from tests.integration.incidents_support import alert, call
from tests.integration.sidecar_world import SidecarProcess

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 10
SENDERS = 8
FULL = 400_000  # bytes that a file may have
UNLIMITED = resource.RLIM_INFINITY


def sidecar(folder: Path) -> SidecarProcess:
    """Make a sidecar with nothing but incidents."""
    section = {"path": str(folder / "incidents.db"), "evidence": False}
    return SidecarProcess(folder, {"sidecar": {"incidents": section}})


async def post(client: aiohttp.ClientSession, url: str, number: int) -> int | None:
    """Send one alert; returns the status, None when nobody answered."""
    try:
        async with client.post(
            f"{url}/alertmanager", json=call(alert(number))
        ) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, OSError):
        return None


def kept(file: Path) -> set[int]:
    """Read the numbers of the alerts in a file that nobody has open."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT fingerprint FROM incidents")
        return {int(fingerprint, 16) for (fingerprint,) in rows}


async def test_nothing_acknowledged_is_lost_by_kill_9_at_any_point(
    tmp_path: Path,
) -> None:
    running = sidecar(tmp_path)
    url = f"http://127.0.0.1:{running.port}"
    stored: set[int] = set()
    numbers = iter(range(10**9))
    for _ in range(KILLS):
        await asyncio.to_thread(running.start)

        async def send(client: aiohttp.ClientSession) -> None:
            while (status := await post(client, url, n := next(numbers))) == 200:
                stored.add(n)
            assert status is None

        async with aiohttp.ClientSession() as client:
            senders = [asyncio.create_task(send(client)) for _ in range(SENDERS)]
            await asyncio.sleep(random.uniform(0.0, 0.4))  # the point of the test
            running.process.kill()
            await asyncio.gather(*senders)
        found = kept(tmp_path / "incidents.db")
        assert stored <= found, sorted(stored - found)
    assert len(stored) > KILLS * SENDERS


async def test_a_full_disk_is_no_acknowledgement_and_no_loss(tmp_path: Path) -> None:
    running = sidecar(tmp_path)
    url = f"http://127.0.0.1:{running.port}"
    await asyncio.to_thread(running.start)
    stored: set[int] = set()
    refused: set[int] = set()
    async with aiohttp.ClientSession() as client:
        try:
            limit(running, FULL)
            for number in range(2000):
                status = await post(client, url, number)
                (stored if status == 200 else refused).add(number)
                assert status in (200, 503)
                if len(refused) == 20:
                    break
            async with client.get(f"{url}/-/ready") as answer:
                not_ready = (answer.status, await answer.text())
            async with client.get(f"{url}/incidents.json") as answer:
                listed = (await answer.json())["total"]
            limit(running, UNLIMITED)
            again = {await post(client, url, number) for number in refused}
            async with client.get(f"{url}/-/ready") as answer:
                ready = answer.status
        finally:
            running.stop()
    assert stored
    assert len(refused) == 20
    assert listed == len(stored)
    assert not_ready[0] == 503
    assert "has room" in not_ready[1]
    assert (again, ready) == ({200}, 200)
    assert kept(tmp_path / "incidents.db") == stored | refused


def limit(running: SidecarProcess, size: int) -> None:
    """Let no file of the sidecar grow beyond so many bytes."""
    process = psutil.Process(running.process.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (size, UNLIMITED))
