"""`kpi-exporter render` for a user's own configuration, in each of its formats."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.demo.servers.process import ServerError
from tests.integration.exporter_process import run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
profile: developer-mesh
postgres:
  orders: {dsn: "postgresql://monitor@db/orders"}
applications:
  shop: {selector: 'job="shop"', naming: opentelemetry, targets: [orders]}
kpis:
  cpu_used: {warning: 61%}
links: {external_url: "https://kpi.example", dashboards: "https://grafana.example/d"}
"""
LABELS = ("--label", "release=monitoring", "--label", "prometheus=k8s")
MIB = 2**20


def rendered(folder: Path, *arguments: str) -> Path:
    """Render the configuration; returns the folder of what was written."""
    folder.mkdir(exist_ok=True)
    file = folder / "exporter.yaml"
    file.write_text(CONFIG)
    out = folder / "out"
    done = run("render", "--config", str(file), "--out", str(out), *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d+ files rendered, \d+ of them changed\n", done.stdout)
    return out


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what Kubernetes would be given, by file name."""
    return {
        path.name: yaml.safe_load(path.read_text())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        raise ServerError("no promtool is installed; Debian: apt install prometheus")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_prometheus_gets_rules_that_pass_their_own_tests(tmp_path: Path) -> None:
    out = rendered(tmp_path)

    rules = sorted((out / "rules").glob("*.yaml"))
    promtool("check", "rules", *rules)
    promtool("test", "rules", out / "rules/tests/data.yaml")
    text = (out / "rules/host.yaml").read_text()
    assert "target:cpu_used:ratio > 0.61" in text
    assert "https://kpi.example/runbooks/cpu_used" in text
    assert "https://grafana.example/d/kpi-host?" in text
    assert (
        "http_server_request_duration_seconds_count"
        in (out / "rules/api.yaml").read_text()
    ), "the naming that was asked for"
    assert {path.suffix for path in (out / "dashboards").iterdir()} == {".json"}
    assert (out / "rules/runbooks/cpu_used.md").is_file()


def test_an_operator_gets_the_same_rules_as_its_own_kind(tmp_path: Path) -> None:
    plain = rendered(tmp_path / "plain")
    out = rendered(tmp_path / "k8s", "--format", "operator", *LABELS)

    made = documents(out)
    rules = {n: d for n, d in made.items() if d["kind"] == "PrometheusRule"}
    names = {f"kpi-rules-{p.stem}.yaml" for p in (plain / "rules").glob("*.yaml")}
    assert rules.keys() == names
    for name, document in rules.items():
        subject = name.removeprefix("kpi-rules-").removesuffix(".yaml")
        same = yaml.safe_load((plain / f"rules/{subject}.yaml").read_text())
        assert document["apiVersion"] == "monitoring.coreos.com/v1"
        assert document["spec"] == same
        assert document["metadata"] == {
            "name": f"kpi-rules-{subject}",
            "labels": {"release": "monitoring", "prometheus": "k8s"},
        }
    assert {d["kind"] for n, d in made.items() if n not in rules} == {"ConfigMap"}


@pytest.mark.parametrize("shape", ["operator", "configmap"])
def test_dashboards_are_config_maps_that_a_sidecar_finds(
    tmp_path: Path, shape: str
) -> None:
    made = documents(rendered(tmp_path, "--format", shape, *LABELS))

    boards = {n: d for n, d in made.items() if n.startswith("kpi-dashboards-")}
    assert "kpi-dashboards-overview.yaml" in boards
    for name, document in boards.items():
        ((key, text),) = document["data"].items()
        assert f"kpi-dashboards-{key.removesuffix('.json')}.yaml" == name
        assert json.loads(text)["uid"] == f"kpi-{key.removesuffix('.json')}"
        assert document["metadata"]["labels"] == {
            "grafana_dashboard": "1",
            "release": "monitoring",
            "prometheus": "k8s",
        }


def test_config_maps_hold_the_rules_as_files(tmp_path: Path) -> None:
    out = rendered(tmp_path, "--format", "configmap")

    made = documents(out)
    assert {document["kind"] for document in made.values()} == {"ConfigMap"}
    folder = tmp_path / "mounted"
    folder.mkdir()
    for name, document in made.items():
        ((key, text),) = document["data"].items()
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", name)
        assert document["metadata"]["name"] == name.removesuffix(".yaml")
        assert len((out / name).read_bytes()) < MIB
        if key.endswith(".yaml"):
            (folder / key).write_text(text)
    promtool("check", "rules", *sorted(folder.iterdir()))
    assert "target:cpu_used:ratio > 0.61" in (folder / "host.yaml").read_text()


def test_what_was_rendered_is_checked_without_writing(tmp_path: Path) -> None:
    out = rendered(tmp_path, "--format", "operator")
    words = ["render", "--config", str(tmp_path / "exporter.yaml"), "--out", str(out)]
    words += ["--format", "operator", "--check"]
    same = run(*words)
    (out / "kpi-rules-host.yaml").write_text("changed")

    differs = run(*words)

    assert (same.returncode, same.stdout) == (0, "")
    assert differs.returncode == 1
    assert differs.stdout == "kpi-rules-host.yaml differs from what is rendered\n"
    assert (out / "kpi-rules-host.yaml").read_text() == "changed"


def test_a_label_of_another_form_is_refused(tmp_path: Path) -> None:
    done = run("render", "--out", str(tmp_path), "--label", "release")

    assert done.returncode == 2
    assert "'release' is not KEY=VALUE" in done.stderr
    assert list(tmp_path.iterdir()) == []
