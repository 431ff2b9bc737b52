"""A real Prometheus with a rule folder, and beside it the sidecar as a process."""

from __future__ import annotations

import json
import shutil
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import yaml

from exporter.demo.servers.process import Process, free_port
from tests.integration.exporter_process import ExporterProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE = 30.0
LIFECYCLE = "--web.enable-lifecycle"
HOST: dict[str, Any] = {"interval": "1s", "host": {"local": {}}}
FOREIGN = "groups: [{name: theirs, rules: [{record: 'their:one', expr: '1'}]}]\n"


class PrometheusServer:
    """Scrapes and evaluates each second, with the rules of `folder`/rules."""

    def __init__(
        self,
        folder: Path,
        scraped: Sequence[int] = (),
        alertmanagers: Sequence[int] = (),
        flags: Sequence[str] = (LIFECYCLE,),
    ) -> None:
        self.port = free_port()
        self.folder, self.rules = folder, folder / "rules"
        self.rules.mkdir(parents=True)
        self._flags = flags
        text = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": ["rules/*.yaml"],
            "scrape_configs": [{"job_name": "kpi", **_targets(scraped)}],
            "alerting": {"alertmanagers": [_targets(alertmanagers)]},
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(text))
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = Process(
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--rules.alert.resend-delay=1s",
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
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def groups(self) -> set[str]:
        return {group["name"] for group in self.ask("rules")["groups"]}

    def expressions(self, alert: str) -> str:
        """Return what the alerts of a name judge by, in one text."""
        rules = [r for g in self.ask("rules")["groups"] for r in g["rules"]]
        return "\n".join(r["query"] for r in rules if r["name"] == alert)

    def _ready(self) -> bool:
        try:
            self.ask("query", query="1")
        except OSError:
            return False
        return True


class SidecarProcess(ExporterProcess):
    """`python -m exporter sidecar`; its section gets a free port to listen on."""

    word = "sidecar"

    def __init__(
        self, folder: Path, config: dict[str, Any], port: int | None = None
    ) -> None:
        super().__init__(folder, None)
        self.port = port or self.port
        self._flags = ["--config", str(self.file)]
        self.write(config)

    def write(self, config: dict[str, Any]) -> None:
        section = {**config["sidecar"], "web": {"listen": f"127.0.0.1:{self.port}"}}
        super().write({**config, "sidecar": section})

    def ready(self) -> str:
        """Return what it says at /-/ready."""
        return self.get("/-/ready").text

    def until(self, condition: Callable[[], object], within: float = PATIENCE) -> float:
        """Wait for something; returns the seconds, or fails with what it says."""
        started = time.monotonic()
        while not condition():
            late = time.monotonic() - started > within
            assert not late, f"{self.ready()}\n{self.log[-3000:]}"
            time.sleep(0.25)
        return time.monotonic() - started


def _targets(ports: Sequence[int]) -> dict[str, Any]:
    return {"static_configs": [{"targets": [f"127.0.0.1:{p}" for p in ports]}]}
