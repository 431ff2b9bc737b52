"""What was acknowledged is kept: after kill -9, and when there is no room left."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import psutil

from tests.integration.incidents_support import alert, call
from tests.integration.sidecar_world import SidecarProcess
from tests.integration.web_support import until

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
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("incidents",) not in tables:  # killed before it had made any
            return set()
        rows = connection.execute("SELECT fingerprint FROM incidents")
        return {int(fingerprint, 16) for (fingerprint,) in rows}


def more_than(stored: set[int], number: int) -> bool:
    return len(stored) > number


async def test_nothing_acknowledged_is_lost_by_kill_9_at_any_point(
    tmp_path: Path,
) -> None:
    running = sidecar(tmp_path)
    url = f"http://127.0.0.1:{running.port}"
    stored: set[int] = set()
    numbers = iter(range(10**9))
    for _ in range(KILLS):
        await asyncio.to_thread(running.start)

        enough = len(stored) + random.randint(SENDERS, 10 * SENDERS)

        async def send(client: aiohttp.ClientSession) -> None:
            while (status := await post(client, url, n := next(numbers))) == 200:
                stored.add(n)
            assert status is None

        async with aiohttp.ClientSession() as client:
            senders = [asyncio.create_task(send(client)) for _ in range(SENDERS)]
            await until(partial(more_than, stored, enough))
            await asyncio.sleep(random.uniform(0.0, 0.05))  # the point of the test
            running.process.kill()
            await asyncio.gather(*senders)
        found = kept(tmp_path / "incidents.db")
        assert stored <= found, sorted(stored - found)


async def test_a_full_disk_is_no_acknowledgement_and_no_loss(tmp_path: Path) -> None:
    running = sidecar(tmp_path)
    url = f"http://127.0.0.1:{running.port}"
    await asyncio.to_thread(running.start)
    async with aiohttp.ClientSession(url) as client:
        try:
            limit(running, FULL)
            stored, refused = await fill(client, url)
            status, why = await ask(client, "/-/ready")
            _, listed = await ask(client, "/incidents.json?limit=1")
            limit(running, UNLIMITED)
            await until(lambda: ready(client))
            again = {await post(client, url, number) for number in refused}
        finally:
            running.stop()
    assert (len(stored) > 0, len(refused)) == (True, 20)
    assert f'"total": {len(stored)}' in listed
    assert (status, "has room" in why) == (503, True)
    assert again == {200}
    assert kept(tmp_path / "incidents.db") == stored | refused


async def fill(client: aiohttp.ClientSession, url: str) -> tuple[set[int], set[int]]:
    """Send alerts until twenty were refused; returns what was stored, what refused."""
    stored: set[int] = set()
    refused: set[int] = set()
    for number in range(5000):
        status = await post(client, url, number)
        assert status in (200, 503)
        (stored if status == 200 else refused).add(number)
        if len(refused) == 20:
            break
    return stored, refused


async def ready(client: aiohttp.ClientSession) -> bool:
    return (await ask(client, "/-/ready"))[0] == 200


async def ask(client: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with client.get(path) as answer:
        return answer.status, await answer.text()


def limit(running: SidecarProcess, size: int) -> None:
    """Let no file of the sidecar grow beyond so many bytes."""
    process = psutil.Process(running.process.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (size, UNLIMITED))
