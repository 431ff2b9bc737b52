"""The README's two minutes: each of its commands, carried out as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from exporter.demo.servers.process import Process, ServerError, free_port
from tests.integration.exporter_process import ExporterProcess, open_folder
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TITLE = "Into your Prometheus, Alertmanager and Grafana"
SECTION = (ROOT / "README.md").read_text().split(f"## {TITLE}\n")[1].split("\n## ")[0]
COMMANDS = [
    line.strip()
    for line in SECTION.splitlines()
    if re.match(r" {4,}(kpi-exporter|promtool|curl|amtool|cp) ", line)
]
FOLDERS = (
    "/etc/prometheus",
    "/etc/alertmanager",
    "/etc/grafana/provisioning/dashboards",
    "/var/lib/grafana/dashboards/kpi",
)


class Machine(NamedTuple):
    """A folder in place of `/`, and where Prometheus really listens."""

    root: Path
    prometheus: str
    exporter: ExporterProcess

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Carry out a command of the README with other places in it."""
        for folder in FOLDERS:
            command = command.replace(folder, f"{self.root}{folder}")
        command = command.replace("http://127.0.0.1:9090", self.prometheus)
        command = command.replace("--out k8s", f"--out {self.root}/k8s")
        command = command.replace(" exporter.yaml", f" {self.exporter.file}")
        command = re.sub("^kpi-exporter", f"{sys.executable} -m exporter", command)
        return subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    program = shutil.which("prometheus")
    if program is None:
        raise ServerError("no prometheus is installed; Debian: apt install prometheus")
    with open_folder() as root:
        for folder in FOLDERS:
            (root / folder[1:]).mkdir(parents=True)
        shutil.copytree(
            ROOT / "deploy/alertmanager", root / "etc/alertmanager", dirs_exist_ok=True
        )
        address = f"127.0.0.1:{free_port()}"
        with ExporterProcess(root / "kpi", {"host": {"local": {}}}) as exporter:
            configure(root / "etc/prometheus", exporter)
            process = Process(
                [
                    program,
                    f"--config.file={root}/etc/prometheus/prometheus.yml",
                    f"--storage.tsdb.path={root}/data",
                    f"--web.listen-address={address}",
                    "--web.enable-lifecycle",
                ],
                root / "prometheus.log",
                as_ourselves=True,
            )
            made = Machine(root, f"http://{address}", exporter)
            try:
                process.wait_until(lambda: scraped(made.prometheus), 60)
                yield made
            finally:
                process.stop()


def configure(folder: Path, exporter: ExporterProcess) -> None:
    """Write the example of a configuration, with the addresses that there are."""
    text = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    text["global"]["scrape_interval"] = "1s"
    text["scrape_configs"][0]["static_configs"] = [
        {"targets": [f"127.0.0.1:{exporter.port}"]}
    ]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(text))


def scraped(url: str) -> bool:
    try:
        page = f"{url}/api/v1/query?query=kpi_exporter_build_info"
        with urllib.request.urlopen(page, timeout=5) as answer:
            return bool(json.load(answer)["data"]["result"])
    except (urllib.error.URLError, OSError):
        return False


def test_every_command_does_what_it_is_for(machine: Machine) -> None:
    said = {}
    for command in COMMANDS:
        done = machine.run(command)
        said[command] = done.stdout
        judged = "--prometheus" in command  # nobody publishes requests here
        assert done.returncode == int(judged), f"{command}\n{done.stdout}{done.stderr}"

    assert len(COMMANDS) == 8
    checked = next(text for command, text in said.items() if "--prometheus" in command)
    lacking = [line for line in checked.splitlines() if line.startswith("missing")]
    assert lacking
    assert all("no application publishes it" in line for line in lacking), lacking
    assert (machine.root / "var/lib/grafana/dashboards/kpi/overview.json").is_file()
    assert (machine.root / "k8s/kpi-rules-host.yaml").is_file()


def test_the_provider_leads_to_the_folder_of_the_dashboards() -> None:
    provider = yaml.safe_load((ROOT / "deploy/grafana/kpi-exporter.yaml").read_text())
    (each,) = provider["providers"]

    assert provider["apiVersion"] == 1
    assert each["type"] == "file"
    assert each["options"]["path"] in FOLDERS
    assert Path(each["options"]["path"]).is_absolute()
