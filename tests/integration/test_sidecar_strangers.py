"""Servers that are no Prometheus and no Alertmanager are named, and end nothing."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from exporter.check_http import Browser
from exporter.config_sidecar import Reload
from exporter.errors import KpiExporterError
from exporter.render.installed import Installed
from exporter.sidecar import alertmanagers
from exporter.sidecar.prometheus import Api
from exporter.sidecar.validate import faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Stranger:
    """Answers everything in the same way."""

    def __init__(self) -> None:
        self.text, self.status = "", 200
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(stranger.status)
                self.end_headers()
                self.wfile.write(stranger.text.encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://user:hush@127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"data": {}}',
        '{"data": {"result": [0, "1"], "groups": [{}]}}',
        '{"data": {"result": [0, "1"], "groups": [{"name": "a", "rules": [1]}]}}',
        '{"data": {"result": []}}',
    ],
)
async def test_an_answer_of_another_shape_is_no_prometheus(
    text: str, stranger: Stranger
) -> None:
    stranger.text = text
    async with Browser() as browser:
        api = Api(browser, stranger.url)
        for call in (api.loaded, api.alertmanagers, api.resend_delay):
            with pytest.raises(KpiExporterError, match="not that of a Prometheus") as e:
                await call()
            assert "hush" not in str(e.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "1", '{"cluster": {}}', "[1]"])
async def test_an_answer_of_another_shape_is_no_alertmanager(
    text: str, stranger: Stranger
) -> None:
    stranger.text = text
    async with Browser() as browser:
        with pytest.raises(KpiExporterError, match="not that of an Alertmanager") as e:
            await alertmanagers.look(browser, stranger.url)
    assert "hush" not in str(e.value)


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, "--web.enable-lifecycle"), (500, "does not load; its log")],
)
async def test_a_prometheus_that_does_not_reload_is_told_of_with_what_to_do(
    status: int, said: str, stranger: Stranger
) -> None:
    stranger.status, stranger.text = status, "failed to reload config"
    async with Browser() as browser:
        with pytest.raises(KpiExporterError, match=said) as e:
            await Api(browser, stranger.url).reload(None)
    assert "hush" not in str(e.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\nexec sleep 600\n", "promtool: gave no answer within 0.5 s"),
        ("#!/nowhere\n", "promtool cannot be used: No such file or directory"),
    ],
)
async def test_a_promtool_that_is_of_no_use_is_named_in_words(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "promtool"
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    made = Installed({"kpi-x.yaml": "groups: []\n"}, {}, {})
    with pytest.raises(KpiExporterError) as caught:
        await faults(made, None, 0.5)
    assert str(caught.value) == f"{tmp_path}/{said}"


@pytest.mark.parametrize("by_file", [True, False])
async def test_another_process_is_not_sent_the_signal(
    by_file: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    place = tmp_path / "pid"
    place.write_text(f"{os.getpid()}\n")
    how = Reload(pid_file=place) if by_file else Reload(pid=os.getpid())
    async with Browser() as browser:
        with pytest.raises(KpiExporterError, match="not a Prometheus"):
            await Api(browser, "http://127.0.0.1:1").reload(how)
        place.write_text("none\n")
        with pytest.raises(KpiExporterError, match="holds no process id"):
            await Api(browser, "http://127.0.0.1:1").reload(Reload(pid_file=place))


async def test_one_that_parses_nothing_is_named_with_what_to_do(
    stranger: Stranger,
) -> None:
    stranger.status = 404
    async with Browser() as browser:
        with pytest.raises(KpiExporterError, match="put promtool in PATH"):
            await Api(browser, stranger.url).refusals(["up"])
