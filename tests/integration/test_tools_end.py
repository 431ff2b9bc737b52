"""The project's own tools leave nothing behind when they are told to end."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120.0
MEASURE = "targets"  # begins with PostgreSQL, and needs no program of others


@contextlib.contextmanager
def measuring(folder: Path) -> Iterator[psutil.Process]:
    """Run a measure as a script does with `&`: it does not get what Ctrl-C sends."""
    command = f"trap '' INT; exec {sys.executable} -m tests.bench {MEASURE}"
    child = subprocess.Popen(
        ["env", f"TMPDIR={folder}", "sh", "-c", command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.wait()


def wait_for_a_server(measure: psutil.Process, folder: Path) -> None:
    """Wait until PostgreSQL answers that has its data below a folder."""
    deadline = time.monotonic() + PATIENCE
    while not any(map(answers, folder.rglob("postgres.log"))):
        assert time.monotonic() < deadline
        assert measure.status() != psutil.STATUS_ZOMBIE
        time.sleep(0.1)


def answers(log: Path) -> bool:
    return "ready to accept connections" in log.read_text()


def running_below(folder: Path) -> list[str]:
    """Return the commands that run with a path below a folder."""
    commands = [
        " ".join(process.info["cmdline"] or ())
        for process in psutil.process_iter(["cmdline"])
    ]
    return [command for command in commands if f"{folder}/" in command]


def test_a_measure_that_is_told_to_end_stops_its_servers_and_removes_its_folder() -> (
    None
):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with measuring(folder) as measure:
            wait_for_a_server(measure, folder)
            measure.terminate()
            measure.wait(PATIENCE)
        assert running_below(folder) == []
        assert [*folder.iterdir()] == []
