"""Dashboards through Grafana's API: a fake one, for no package brings a real one."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.check_http import Browser
from exporter.config_sidecar import Grafana
from exporter.errors import KpiExporterError
from exporter.sidecar.boards import FOLDER, Boards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "glsa_hush"
ONE, TWO = json.dumps({"uid": "kpi-one", "x": 1}), json.dumps({"uid": "kpi-two"})


class FakeGrafana:
    """Keeps folders and dashboards as the HTTP API of Grafana does."""

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.boards: dict[str, tuple[str, dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        parts = urlsplit(path)
        match method, parts.path:
            case "GET", "/api/search":
                (folder,) = parse_qs(parts.query)["folderUIDs"]
                return 200, [
                    {"uid": u} for u, (f, _) in self.boards.items() if f == folder
                ]
            case "POST", "/api/folders":
                status = 412 if body["uid"] in self.folders else 200
                self.folders.add(body["uid"])
                return status, {}
            case "POST", "/api/dashboards/db" if body["folderUid"] in self.folders:
                board = body["dashboard"]
                self.boards[board["uid"]] = (body["folderUid"], board)
                return 200, {}
            case "DELETE", _:
                self.boards.pop(parts.path.rpartition("/")[2])
                return 200, {}
        return 404, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
                known = (
                    fake.answer(self.command, self.path, body) if allowed else (401, {})
                )
                self.send_response(known[0])
                self.end_headers()
                self.wfile.write(json.dumps(known[1]).encode())

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - its base wants them so

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    fake = FakeGrafana()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


async def test_dashboards_are_sent_once_and_stale_ones_go(
    grafana: FakeGrafana, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    boards = Boards(Grafana(url=grafana.url, token_file=tmp_path / "token"))
    grafana.boards["of-others"] = ("elsewhere", {})
    async with Browser() as browser:
        assert await boards.bring({"a.json": ONE, "b.json": TWO}, browser) == []
        assert grafana.boards["kpi-one"] == (FOLDER, {"uid": "kpi-one", "x": 1})
        grafana.calls.clear()
        assert await boards.bring({"a.json": ONE, "b.json": TWO}, browser) == []
        assert [call.split("?")[0] for call in grafana.calls] == ["GET /api/search"]
        del grafana.boards["kpi-two"]
        assert await boards.bring({"a.json": ONE, "b.json": TWO}, browser) == []
        assert set(grafana.boards) == {"of-others", "kpi-one", "kpi-two"}
        assert await boards.bring({"a.json": ONE}, browser) == []
    assert set(grafana.boards) == {"of-others", "kpi-one"}


async def test_a_refusal_says_no_token(grafana: FakeGrafana, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("glsa_other\n")
    boards = Boards(Grafana(url=grafana.url, token_file=tmp_path / "token"))
    async with Browser() as browser:
        with pytest.raises(KpiExporterError) as caught:
            await boards.bring({"a.json": ONE}, browser)
        assert "(401)" in str(caught.value)
        assert "glsa" not in str(caught.value)
        (tmp_path / "token").unlink()
        with pytest.raises(KpiExporterError, match="token: cannot be read"):
            await boards.bring({"a.json": ONE}, browser)
