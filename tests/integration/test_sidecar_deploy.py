"""The files for compose and Kubernetes, used: what they start is in step and proved."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from exporter.cli import _parser
from exporter.config_load import load
from exporter.demo.servers.process import Process, free_port
from exporter.sidecar.alertmanagers import PROBE
from tests.integration.prometheus_process import PATIENCE
from tests.integration.sidecar_alertmanagers import answers
from tests.integration.sidecar_world import PrometheusServer, SidecarProcess
from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"


class Files(NamedTuple):
    """What a deployment gives to each of the three."""

    sidecar: str
    command: list[str]
    prometheus: str
    flags: list[str]
    alertmanager: str
    rules: tuple[str, str]
    kept: str


def of_compose() -> Files:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    configs = {name: each["content"] for name, each in found["configs"].items()}
    services = found["services"]
    places = [services[n]["volumes"][0].split(":") for n in ("sidecar", "prometheus")]
    assert [place[0] for place in places] == ["rules", "rules"]
    assert "rules" in found["volumes"]
    return Files(
        configs["exporter"],
        services["sidecar"]["command"],
        configs["prometheus"],
        services["prometheus"]["command"],
        configs["alertmanager"],
        (places[0][1], places[1][1]),
        services["sidecar"]["volumes"][1].split(":")[1],
    )


def of_kubernetes() -> Files:
    documents = [
        document
        for name in ("kubernetes", "kubernetes-prometheus")
        for document in yaml.safe_load_all((DEPLOY / f"{name}.yaml").read_text())
    ]
    maps = {
        d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"
    }
    (pod,) = (
        d["spec"]["template"]["spec"]
        for d in documents
        if (d["kind"], d["metadata"]["name"]) == ("Deployment", "kpi-prometheus")
    )
    prometheus, sidecar = pod["containers"]
    mounts = [
        next(m["mountPath"] for m in each["volumeMounts"] if m["name"] == "rules")
        for each in (sidecar, prometheus)
    ]
    services = {
        d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "Service"
    }
    assert services["kpi-sidecar"]["publishNotReadyAddresses"] is True
    port = services["kpi-sidecar"]["ports"][0]["port"]
    example = yaml.safe_load((DEPLOY / "alertmanager/alertmanager.yml").read_text())
    url = f"http://kpi-sidecar:{port}/alertmanager"
    text = (DEPLOY / "kubernetes-prometheus.yaml").read_text()
    assert url in text
    return Files(
        maps["kpi-exporter"]["kpi-exporter.yaml"],
        sidecar["args"],
        maps["kpi-prometheus"]["prometheus.yml"],
        prometheus["args"],
        yaml.safe_dump(_without_people(example, url)),
        (mounts[0], mounts[1]),
        next(
            m["mountPath"] for m in sidecar["volumeMounts"] if m["name"] == "incidents"
        ),
    )


def _without_people(example: dict[str, Any], url: str) -> dict[str, Any]:
    """Return the example's routes to the sidecar alone."""
    routes = [r for r in example["route"]["routes"] if r["receiver"] == "sidecar"]
    webhook = {"name": "sidecar", "webhook_configs": [{"url": url}]}
    top = {**example["route"], "receiver": "sidecar", "routes": routes}
    return {"route": top, "receivers": [webhook]}


FILES = {"compose": of_compose, "kubernetes": of_kubernetes}


@pytest.fixture(params=FILES)
def files(request: pytest.FixtureRequest) -> Files:
    return FILES[request.param]()


class Here:
    """Puts a deployment's addresses and paths where they are on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: free_port() for port in (9090, 9093, 10098)}

    def here(self, text: str, rules: str) -> str:
        for port, other in self.ports.items():
            text = re.sub(rf"[\w.-]*:{port}\b", f"127.0.0.1:{other}", text)
        text = re.sub(r"\b(\d+s|\dm)\b", "1s", text)
        text = text.replace("/var/lib/kpi-exporter", str(self.folder))
        return text.replace(rules, str(self.folder / "rules"))


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_the_sidecar_puts_rules_where_prometheus_reads_them(
    files: Files, tmp_path: Path
) -> None:
    file = tmp_path / "kpi-exporter.yaml"
    file.write_text(files.sidecar)
    section = load(file).sidecar
    assert section
    assert section.prometheus
    assert files.rules == (str(section.prometheus.rules),) * 2
    (pattern,) = yaml.safe_load(files.prometheus)["rule_files"]
    assert pattern == f"{section.prometheus.rules}/*.yaml"
    assert _parser().parse_args(files.command).run.__name__ == "_sidecar"
    assert section.incidents
    assert str(section.incidents.path.parent) == files.kept
    assert section.prometheus.reload or "--web.enable-lifecycle" in files.flags


def test_what_is_deployed_brings_itself_in_step_and_proves_that_alerts_arrive(
    files: Files, here: Here, tmp_path: Path
) -> None:
    rules = files.rules[0]
    prometheus = PrometheusServer(tmp_path)
    here.ports[9090] = prometheus.port
    (tmp_path / "prometheus.yml").write_text(here.here(files.prometheus, rules))
    (tmp_path / "am").mkdir()
    place = tmp_path / "am/alertmanager.yml"
    place.write_text(here.here(files.alertmanager, rules))
    config = yaml.safe_load(here.here(files.sidecar, rules))
    config["sidecar"] |= {"interval": "1s", "watchdog": {"interval": "60s"}}
    sidecar = SidecarProcess(tmp_path / "sidecar", config, here.ports[10098])
    port = here.ports[9093]
    manager = Process(
        [
            shutil.which("alertmanager") or "prometheus-alertmanager",
            "--config.file=alertmanager.yml",
            "--storage.path=data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        tmp_path / "am/log",
        as_ourselves=True,
    )
    try:
        manager.wait_until(lambda: answers(f"http://127.0.0.1:{port}"), PATIENCE)
        prometheus.start()
        with sidecar:
            until_well(sidecar)
            assert sidecar.get("/incidents.json").status == 200
    finally:
        prometheus.stop()
        manager.stop()
    assert PROBE in files.alertmanager


def until_well(sidecar: SidecarProcess) -> None:
    """Wait until rules are loaded and the Watchdog and a probe came back."""
    forwards = "kpi_sidecar_alertmanager_forwards"
    sidecar.until(lambda: sidecar.page().value(forwards) == 1)
    sidecar.until(lambda: "loaded:" not in sidecar.ready())
    sidecar.until(lambda: "watchdog:" not in sidecar.ready())
