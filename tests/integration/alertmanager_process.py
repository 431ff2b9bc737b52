"""A real Alertmanager with the example configuration, and sinks for all it sends."""

from __future__ import annotations

import email
import itertools
import json
import shutil
import socketserver
import threading
import time
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import yaml

from exporter.demo.alerting.servers import ALERTMANAGER, installed
from exporter.demo.servers.process import Process, free_port
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from pathlib import Path
    from types import TracebackType

DEPLOY = ROOT / "deploy/alertmanager"
STARTED = "2020-02-02T10:00:00Z"
_PATIENCE = 20.0


class Sent(NamedTuple):
    """One call that Alertmanager made: the path, and the body."""

    path: str
    body: dict[str, Any]


class Sinks:
    """An HTTP and a mail server that keep what they are sent."""

    def __init__(self) -> None:
        self.calls: list[Sent] = []
        self.mails: list[EmailMessage] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._http())
        self.smtp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._smtp())
        self.smtp.daemon_threads = True
        for server in (self.http, self.smtp):
            threading.Thread(
                target=server.serve_forever, args=(0.05,), daemon=True
            ).start()

    def close(self) -> None:
        for server in (self.http, self.smtp):
            server.shutdown()
            server.server_close()

    def _http(self) -> type[BaseHTTPRequestHandler]:
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                calls.append(Sent(self.path, json.loads(self.rfile.read(length))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def _smtp(self) -> type[socketserver.StreamRequestHandler]:
        mails = self.mails

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                """Take any mail from anybody."""
                self.wfile.write(b"220 sink\r\n")
                while line := self.rfile.readline().strip().upper():
                    if line == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        mails.append(self._mail())
                    self.wfile.write(
                        b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n"
                    )

            def _mail(self) -> EmailMessage:
                last = (b".\r\n", b"")  # an empty one: its sender hung up
                lines = itertools.takewhile(lambda line: line not in last, self.rfile)
                return email.message_from_bytes(b"".join(lines), policy=policy.default)

        return Handler


class Alertmanager:
    """Runs the example configuration with the sinks in place of its addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.sinks = Sinks()
        self._stack.callback(self.sinks.close)
        shutil.copytree(DEPLOY / "templates", self.folder / "templates")
        (self.folder / "slack").write_text(self._url("slack"))
        text = yaml.safe_dump(self._configuration())
        (self.folder / "alertmanager.yml").write_text(text)
        process = Process(
            [
                installed(ALERTMANAGER),
                "--config.file=alertmanager.yml",
                "--storage.path=data",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            self.folder / "alertmanager.log",
            as_ourselves=True,
        )
        self._stack.callback(process.stop)
        process.wait_until(self._ready, _PATIENCE)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def post(self, *alerts: dict[str, Any]) -> None:
        """Send alerts as Prometheus does."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts",
            json.dumps(alerts).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def alerts(self) -> list[dict[str, Any]]:
        """Return what it knows, with what mutes each."""
        url = f"http://127.0.0.1:{self.port}/api/v2/alerts"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def _configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(
            (DEPLOY / "alertmanager.yml").read_text()
        )
        found["global"] = {
            **found["global"],
            "smtp_smarthost": f"127.0.0.1:{self.sinks.smtp.server_address[1]}",
            "smtp_require_tls": False,
            "slack_api_url_file": str(self.folder / "slack"),
        }
        for route in (found["route"], *found["route"]["routes"]):
            route.update(group_wait="500ms", group_interval="1s")
        for receiver in found["receivers"]:
            for webhook in receiver.get("webhook_configs", ()):
                webhook["url"] = self._url(receiver["name"])
        return found

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.sinks.http.server_address[1]}/{path}"

    def _ready(self) -> bool:
        try:
            self.alerts()
        except OSError:
            return False
        return True


def alert(
    labels: dict[str, str],
    annotations: dict[str, str] | None = None,
    *,
    ended: str | None = None,
) -> dict[str, Any]:
    """Make an alert that fires since `STARTED`, or that ended."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {
        "labels": labels,
        "annotations": annotations or {},
        "startsAt": STARTED,
        "endsAt": ended or later,
    }


def until(look: Callable[[], bool]) -> bool:
    """Wait until something is so; returns whether it came to be."""
    deadline = time.monotonic() + _PATIENCE
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
