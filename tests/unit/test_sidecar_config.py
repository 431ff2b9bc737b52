"""The section `sidecar`: what it takes, what it refuses, where its paths start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config_load import load
from exporter.config_sidecar import Sidecar
from exporter.errors import ConfigError
from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
sidecar:
  prometheus: {url: "http://p:9090/", rules: rules, reload: {pid_file: p.pid}}
  grafana: {folder: boards}
  alertmanagers: ["http://a:9093/am/"]
  watchdog: {interval: 2m, dead_man: {command: [page, me]}}
  incidents: {path: i.db, retention: 90d, receivers: [{name: chat, url_file: chat}]}
  web: {config_file: web.yml}
"""
BAD = """
sidecar:
  prometheus: {url: "ftp://x", rules: rules, reload: {}}
  grafana: {folder: d, url: "http://x/"}
  alertmanagers: ["http://a:9093/", "x"]
  watchdog: {interval: 2, dead_man: {}, foo: 1}
  incidents: {path: i.db, retention: 1s, receivers: [{name: a b, url_file: b}]}
  exporter: x
  web: {listen: x}
"""


def test_its_paths_start_at_the_files_folder_and_urls_lose_their_slash(
    tmp_path: Path,
) -> None:
    file = tmp_path / "kpi.yaml"
    file.write_text(GOOD)
    found = load(file).sidecar
    assert found
    assert found.prometheus
    assert found.prometheus.reload
    assert found.grafana
    assert found.incidents
    assert [
        found.prometheus.rules,
        found.prometheus.reload.pid_file,
        found.grafana.folder,
        found.incidents.path,
        found.incidents.receivers[0].url_file,
        found.web.config_file,
    ] == [
        tmp_path / name
        for name in ("rules", "p.pid", "boards", "i.db", "chat", "web.yml")
    ]
    assert (found.prometheus.url, found.alertmanagers) == (
        "http://p:9090",
        ("http://a:9093/am",),
    )
    assert (found.exporter, found.web.listen) == (
        "http://127.0.0.1:10099",
        "127.0.0.1:10098",
    )


def test_all_that_is_wrong_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "kpi.yaml"
    file.write_text(BAD)
    with pytest.raises(ConfigError) as caught:
        load(file)
    places = [problem.split(": ")[:2] for problem in caught.value.problems]
    assert [(p.rsplit(":", 1)[1], key) for p, key in places] == [
        ("3", "sidecar.prometheus.reload"),
        ("3", "sidecar.prometheus.url"),
        ("4", "sidecar.grafana"),
        ("5", "sidecar.alertmanagers.1"),
        ("6", "sidecar.watchdog.dead_man"),
        ("6", "sidecar.watchdog.foo"),
        ("6", "sidecar.watchdog.interval"),
        ("7", "sidecar.incidents.receivers.0.name"),
        ("7", "sidecar.incidents.retention"),
        ("8", "sidecar.exporter"),
        ("9", "sidecar.web.listen"),
    ]
    (kept,) = [p for p in caught.value.problems if "retention" in p]
    assert kept.endswith(": from 3600s to 315360000s is wanted")


def test_the_example_of_the_readme_loads(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text().split("\n## The sidecar\n")[1]
    text = text.split("\n## ")[0]
    file = tmp_path / "kpi.yaml"
    file.write_text(text.split("```yaml\n")[1].split("```")[0])
    assert load(file).sidecar


def test_every_key_is_explained() -> None:
    text = (ROOT / "deploy/sidecar.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line[:3] == "| `"]
    named = {row.split("`")[1].split(":")[0] for row in rows}
    keys = set(Sidecar.model_fields)
    assert keys - {"incidents", "exporter"} <= named <= keys


@pytest.mark.parametrize(
    "text", ["sidecar: 1\n", "sidecar: {incidents: {receivers: 1}}\n"]
)
def test_a_section_of_another_shape_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "kpi.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError):
        load(file)
