"""A real Prometheus with a rule folder, and beside it the sidecar as a process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.integration.exporter_process import ExporterProcess
from tests.integration.mortal_server import PATIENCE
from tests.integration.prometheus_process import PrometheusProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LIFECYCLE = "--web.enable-lifecycle"
HOST: dict[str, Any] = {"interval": "1s", "host": {"local": {}}}
FOREIGN = "groups: [{name: theirs, rules: [{record: 'their:one', expr: '1'}]}]\n"


class PrometheusServer(PrometheusProcess):
    """A Prometheus with the rules of `folder`/rules."""

    def __init__(
        self,
        folder: Path,
        scraped: Sequence[int] = (),
        alertmanagers: Sequence[int] = (),
        flags: Sequence[str] = (LIFECYCLE,),
    ) -> None:
        settings = {
            "rule_files": ["rules/*.yaml"],
            "scrape_configs": [{"job_name": "kpi", **_targets(scraped)}],
            "alerting": {"alertmanagers": [_targets(alertmanagers)]},
        }
        super().__init__(folder, settings, ("--rules.alert.resend-delay=1s", *flags))
        self.rules = folder / "rules"
        self.rules.mkdir()

    def groups(self) -> set[str]:
        return {group["name"] for group in self.ask("rules")["groups"]}

    def expressions(self, alert: str) -> str:
        """Return what the alerts of a name judge by, in one text."""
        rules = [r for g in self.ask("rules")["groups"] for r in g["rules"]]
        return "\n".join(r["query"] for r in rules if r["name"] == alert)


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
