"""A real Prometheus on loopback, and what its API says, for end-to-end tests."""

from __future__ import annotations

import json
import shutil
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import yaml

from exporter.demo.servers.process import Process, ServerError, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATIENCE = 120.0  # seconds: a bound for what hangs, not for what is slow


class PrometheusProcess:
    """Scrapes and evaluates each second, and has a folder for its data."""

    def __init__(
        self, folder: Path, settings: dict[str, Any], flags: Sequence[str] = ()
    ) -> None:
        self.port = free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        every = ("scrape_interval", "scrape_timeout", "evaluation_interval")
        text = {"global": dict.fromkeys(every, "1s"), **settings}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(text))
        self._flags = flags
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = shutil.which("prometheus")
        if program is None:
            raise ServerError("no prometheus is installed; Debian: apt install it")
        self.process = Process(
            [
                program,
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                *self._flags,
            ],
            self.folder / "prometheus.log",
            as_ourselves=True,
        )
        self.process.wait_until(self._ready, PATIENCE)

    def kill(self) -> None:
        assert self.process
        self.process.kill()

    def stop(self) -> None:
        if self.process and self.process.alive:
            self.process.stop()

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask the API; returns what stands under `data`."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def _ready(self) -> bool:
        try:
            self.ask("query", query="1")
        except OSError:
            return False
        return True
