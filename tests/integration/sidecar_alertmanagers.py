"""A cluster of real Alertmanagers that tell the sidecar of everything at once."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from exporter.demo.alerting.servers import ALERTMANAGER, installed
from exporter.demo.servers.process import free_port
from tests.integration.alertmanager_process import alert
from tests.integration.mortal_server import MortalServer

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = {
    "receiver": "sidecar",
    "group_by": ["..."],
    "group_wait": "0s",
    "group_interval": "1s",
    "repeat_interval": "1s",
}
INHIBIT = {
    "source_matchers": ["kpi = target_down"],
    "target_matchers": ["kpi != target_down", 'target != ""'],
    "equal": ["target"],
}


class Member(MortalServer):
    """One Alertmanager of a cluster of two."""

    def __init__(self, folder: Path, webhook: str) -> None:
        super().__init__(folder)
        self.gossip = free_port()
        self.peer: Member | None = None
        text = {
            "route": ROUTE,
            "receivers": [
                {"name": "sidecar", "webhook_configs": [{"url": webhook}]},
            ],
            "inhibit_rules": [INHIBIT],
        }
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(text))

    def start(self) -> None:
        assert self.peer
        self.run(
            installed(ALERTMANAGER),
            "--config.file=alertmanager.yml",
            "--storage.path=data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--cluster.listen-address=127.0.0.1:{self.gossip}",
            f"--cluster.peer=127.0.0.1:{self.peer.gossip}",
            "--cluster.peer-timeout=500ms",
            "--cluster.settle-timeout=1s",
            "--cluster.reconnect-interval=1s",
        )

    def fire(self, **labels: str) -> None:
        """Send an alert that ends by itself after a while."""
        self._post("alerts", [alert(labels, {"summary": "x"})])

    def end(self, **labels: str) -> None:
        """Send the end of an alert."""
        self._post("alerts", [alert(labels, ended=datetime.now(UTC).isoformat())])

    def silence(self, **labels: str) -> str:
        """Silence alerts with these labels for ten minutes; returns the id."""
        now = datetime.now(UTC)
        matchers = [
            {"name": n, "value": v, "isRegex": False, "isEqual": True}
            for n, v in labels.items()
        ]
        body = {
            "matchers": matchers,
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(minutes=10)).isoformat(),
            "createdBy": "ops",
            "comment": "<b>moving house</b>",
        }
        return str(json.loads(self._post("silences", body))["silenceID"])

    def expire(self, silence: str) -> None:
        url = f"{self.url}/api/v2/silence/{silence}"
        request = urllib.request.Request(url, method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def _post(self, path: str, body: Any) -> bytes:
        request = urllib.request.Request(
            f"{self.url}/api/v2/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: bytes = answer.read()
            return found


def pair(folder: Path, webhook: str) -> tuple[Member, Member]:
    """Make two that know each other, not started."""
    one, two = Member(folder / "one", webhook), Member(folder / "two", webhook)
    one.peer, two.peer = two, one
    return one, two
