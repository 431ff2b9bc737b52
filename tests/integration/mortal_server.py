"""A server on a port of loopback that a test starts, kills and starts again."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

from exporter.demo.servers.process import Process, free_port

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 120.0  # seconds: a bound for what hangs, not for what is slow


class MortalServer:
    """A Prometheus or an Alertmanager; folder and port outlive its process."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, port or free_port()
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *command: str) -> None:
        """Run a command in the folder and wait until it is ready."""
        self.process = Process(command, self.folder / "log", as_ourselves=True)
        self.process.wait_until(self._ready, PATIENCE)

    def kill(self) -> None:
        assert self.process
        self.process.kill()

    def stop(self) -> None:
        if self.process and self.process.alive:
            self.process.stop()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return True
        except OSError:
            return False
