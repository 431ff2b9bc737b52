"""The whole demo as a process: what it serves, and that it leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from exporter.demo.page import Page
from exporter.demo.servers.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 90.0
RUN = """
import sys
from exporter.demo.world import main
sys.exit(main({fault!r}, {duration!r}, sys.stdout, {port}))
"""
EXPORTER = frozenset({"pg_stat_activity_count", "neo4j_index_state", "redis_up"})
APPLICATION = frozenset(
    {"http_requests_total", "http_server_request_duration_seconds_count"}
)


class Demo:
    """A running demo; its output goes to a file."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.child = child
        self._log = log
        self.exporter = f"http://127.0.0.1:{port}"

    @property
    def output(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def folder(self) -> Path:
        found = re.search(r"folder (\S+),", self.output)
        assert found, self.output
        return Path(found[1])

    @property
    def application(self) -> str:
        found = re.search(r"sample application on (\S+),", self.output)
        assert found, self.output
        return found[1]

    def wait_for(self, text: str) -> None:
        self.until(lambda: text in self.output)

    def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so, as long as the demo runs."""
        deadline = time.monotonic() + PATIENCE
        while not so():
            assert self.child.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def end(self, number: signal.Signals) -> tuple[int, list[psutil.Process]]:
        """Send a signal; return the exit status and the processes that are left."""
        below = psutil.Process(self.child.pid).children(recursive=True)
        self.child.send_signal(number)
        status = self.child.wait(PATIENCE)
        _, left = psutil.wait_procs(below, timeout=5)
        return status, left


@contextmanager
def demo(
    log: Path,
    *,
    fault: str | None = None,
    duration: float | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Demo]:
    port = free_port()
    program = RUN.format(fault=fault, duration=duration, port=port)
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        ) as child,
    ):
        try:
            yield Demo(child, log, port)
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)


def page(address: str, names: frozenset[str]) -> Page:
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as answer:
        return Page(answer.read().decode(), 0, names)


def without_java(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which no Java is found."""
    (tmp_path / "empty").mkdir()
    return {"PATH": str(tmp_path / "empty")}


def test_it_serves_a_world_breaks_it_and_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path / "log", fault="idle-in-transaction") as running:
        running.wait_for("load:")
        healthy = page(running.exporter, EXPORTER)
        idle = {"state": "idle in transaction", "application_name": "nightly-report"}
        assert healthy.total("pg_stat_activity_count", **idle) is None
        running.wait_for("fault idle-in-transaction is in")
        running.until(
            lambda: (
                page(running.exporter, EXPORTER).total("pg_stat_activity_count", **idle)
                == 3
            )
        )
        ill = page(running.exporter, EXPORTER)
        assert ill.total("redis_up") == 1
        assert ill.total("neo4j_index_state", state="online") == 13
        answered = page(running.application, APPLICATION)
        assert {
            f.labels["status"][0] for f in answered.each("http_requests_total")
        } == {*("2", "4")}
        assert answered.total("http_requests_total") == answered.total(
            "http_server_request_duration_seconds_count"
        )
        secrets = [file.read_text() for file in (running.folder / "secrets").iterdir()]
        folder = running.folder
        running.wait_for("3 idle in transaction")
        assert running.end(signal.SIGINT) == (0, [])
        assert not folder.exists()
        assert "FAULT idle-in-transaction | shop: " in running.output
        assert [
            word for word in (*secrets, "Traceback") if word in running.output
        ] == []


def test_it_ends_by_itself_and_says_what_it_left_out(tmp_path: Path) -> None:
    environment = without_java(tmp_path)
    with demo(tmp_path / "log", duration=1, environment=environment) as running:
        assert running.child.wait(PATIENCE) == 0, running.output
        assert "left out: Neo4j. Neo4j needs Java" in running.output
        assert "no fault | shop: " in running.output
        assert not running.folder.exists()


def test_a_fault_without_its_server_ends_what_was_started(tmp_path: Path) -> None:
    environment = without_java(tmp_path)
    with demo(tmp_path / "log", fault="neo4j-scan", environment=environment) as running:
        assert running.child.wait(PATIENCE) == 1
        assert "the fault neo4j-scan needs Neo4j" in running.output
        assert "Traceback" not in running.output
        assert not running.folder.exists()


def test_a_temporary_folder_that_servers_cannot_enter_is_refused(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    environment = {**without_java(tmp_path), "TMPDIR": str(closed)}
    root = os.geteuid() == 0  # as anybody else, servers run as that user
    with demo(tmp_path / "log", duration=1, environment=environment) as running:
        assert running.child.wait(PATIENCE) == root, running.output
        assert (f"{closed} is closed to other users" in running.output) == root
        assert ("starting PostgreSQL" in running.output) != root
        assert list(closed.iterdir()) == []


def test_a_signal_while_it_starts_ends_it_in_order(tmp_path: Path) -> None:
    with demo(tmp_path / "log") as running:
        running.wait_for("Valkey on ")
        assert running.end(signal.SIGTERM) == (0, [])
        assert not running.folder.exists()
        assert "Traceback" not in running.output
