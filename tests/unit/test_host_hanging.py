"""Reads that hang: nothing waits for them, and they are taken up again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.sources.host_mounts import STUCK, Mounts
from exporter.sources.host_worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 0.3  # a busy machine may let a thread wait for 0.1 s


class Disks:
    """A statvfs of which some paths hang until they are let go, or fail."""

    def __init__(self) -> None:
        self.gates: dict[str, threading.Event] = {}
        self.asked: list[str] = []
        self.real = os.statvfs("/")

    def hang(self, path: str) -> None:
        self.gates[path] = threading.Event()

    def release(self) -> None:
        for gate in self.gates.values():
            gate.set()

    def __call__(self, path: str) -> os.statvfs_result:
        self.asked.append(path)
        if path in self.gates:
            self.gates[path].wait(20)
        if path == "/broken":
            raise OSError(5, "Input/output error")
        return self.real


@pytest.fixture
def disks() -> Iterator[Disks]:
    made = Disks()
    yield made
    made.release()


async def until_back(mounts: Mounts, path: str) -> None:
    """Wait until a path that was stuck has come back."""
    for _ in range(200):
        if path not in mounts.stuck:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{path} never came back")


async def test_every_path_is_answered_once(disks: Disks) -> None:
    mounts = Mounts(disks)
    found = await mounts.ask(["/a", "/b", "/a"], 5)
    assert found == {"/a": disks.real, "/b": disks.real}
    assert disks.asked == ["/a", "/b"]
    mounts.close()


async def test_an_error_is_said_instead_of_figures(disks: Disks) -> None:
    mounts = Mounts(disks)
    found = await mounts.ask(["/broken", "/b"], 5)
    assert found == {"/broken": "input/output error", "/b": disks.real}
    mounts.close()


async def test_a_path_that_hangs_does_not_keep_the_others(disks: Disks) -> None:
    disks.hang("/dead")
    disks.hang("/gone")
    mounts = Mounts(disks)
    async with asyncio.timeout(5):
        found = await mounts.ask(["/a", "/dead", "/b", "/gone"], PATIENCE)
    assert found == {
        "/a": disks.real,
        "/dead": STUCK,
        "/b": disks.real,
        "/gone": STUCK,
    }
    mounts.close()


async def test_a_path_that_hangs_is_not_asked_again_until_it_came_back(
    disks: Disks,
) -> None:
    disks.hang("/dead")
    mounts = Mounts(disks)
    async with asyncio.timeout(10):
        for _ in range(3):
            assert (await mounts.ask(["/dead", "/b"], PATIENCE))["/dead"] == STUCK
        assert disks.asked.count("/dead") == 1
        disks.release()
        await until_back(mounts, "/dead")
        assert (await mounts.ask(["/dead", "/b"], 5))["/dead"] == disks.real
    mounts.close()


async def test_a_question_that_is_cancelled_leaves_the_hung_path_behind(
    disks: Disks,
) -> None:
    disks.hang("/dead")
    mounts = Mounts(disks)
    async with asyncio.timeout(10):
        asking = asyncio.create_task(mounts.ask(["/a", "/dead", "/b"], 5))
        while "/dead" not in disks.asked:  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait({asking})
        assert mounts.stuck == {"/dead"}
        assert (await mounts.ask(["/dead", "/b"], 5)) == {
            "/dead": STUCK,
            "/b": disks.real,
        }
    mounts.close()


async def test_a_worker_returns_and_raises_what_its_job_does() -> None:
    worker = Worker("test")
    assert await worker.do(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await worker.do(lambda: 1 / 0)
    assert worker.hung == 0
    worker.abandon()


async def test_an_abandoned_job_is_counted_until_it_ends() -> None:
    gate, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        gate.wait(20)

    worker = Worker("test")
    hanging = asyncio.create_task(worker.do(wait))
    await asyncio.to_thread(begun.wait, 5)
    hanging.cancel()
    worker.abandon()
    assert worker.hung == 1
    assert await worker.do(lambda: 7) == 7
    assert worker.hung == 1
    gate.set()
    async with asyncio.timeout(5):
        while worker.hung:  # noqa: ASYNC110 - a thread ends
            await asyncio.sleep(0.01)
    worker.abandon()


def test_a_job_that_never_ends_does_not_keep_the_process_from_ending() -> None:
    program = """
import asyncio, threading
from exporter.sources.host_worker import Worker

async def main():
    worker = Worker("test")
    try:
        await asyncio.wait_for(worker.do(threading.Event().wait), 0.2)
    except TimeoutError:
        print("left")

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert ended.stdout == "left\n"
