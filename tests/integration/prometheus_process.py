"""A real Prometheus on loopback, and what its API says, for end-to-end tests."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import yaml

from exporter.demo.alerting.servers import PROMETHEUS, installed
from tests.integration.mortal_server import MortalServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class PrometheusProcess(MortalServer):
    """Scrapes and evaluates each second, and has a folder for its data."""

    def __init__(
        self, folder: Path, settings: dict[str, Any], flags: Sequence[str] = ()
    ) -> None:
        super().__init__(folder)
        every = ("scrape_interval", "scrape_timeout", "evaluation_interval")
        text = {"global": dict.fromkeys(every, "1s"), **settings}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(text))
        self._flags = flags

    def start(self) -> None:
        self.run(
            installed(PROMETHEUS),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *self._flags,
        )

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask the API; returns what stands under `data`."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
