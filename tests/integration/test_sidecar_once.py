"""One run: before Prometheus first starts, with promtool alone, and beside it."""

from __future__ import annotations

import io
import os
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from exporter.config_load import load
from exporter.sidecar.app import once
from tests.integration.exporter_process import ExporterProcess, run
from tests.integration.sidecar_world import HOST, PrometheusServer, SidecarProcess

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    with ExporterProcess(tmp_path_factory.mktemp("exporter"), HOST) as running:
        yield running


async def go(folder: Path) -> tuple[int, str, bool]:
    """Run once; returns the status, what was said, and whether rules were written."""
    file, out = folder / "kpi.yaml", io.StringIO()
    file.write_text("sidecar: {prometheus: {rules: rules}}\n")
    (folder / "rules").mkdir(exist_ok=True)
    status = await once(file, partial(load, file), out)
    return status, out.getvalue(), (folder / "rules/kpi-always.yaml").exists()


async def test_without_a_prometheus_rules_are_checked_and_written(
    tmp_path: Path,
) -> None:
    assert await go(tmp_path) == (0, "in step, not verified\n", True)
    assert await go(tmp_path) == (0, "in step, not verified\n", True)


async def test_what_nobody_can_check_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    status, said, written = await go(tmp_path)
    assert (status, written) == (1, False)
    assert "put promtool in PATH" in said


def test_without_its_section_there_is_nothing_to_do(tmp_path: Path) -> None:
    (tmp_path / "kpi.yaml").write_text("host: {local: {}}\n")
    done = run("sidecar", "--config", str(tmp_path / "kpi.yaml"))
    assert (done.returncode, done.stderr[:19]) == (2, "sidecar: is needed;")


def test_it_ends_in_good_order(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    section = {"prometheus": {"rules": str(tmp_path / "rules")}}
    sidecar = SidecarProcess(tmp_path, {"sidecar": section})
    sidecar.start()
    sidecar.until(lambda: sidecar.ready() == "ready\n")
    sidecar.stop(signal.SIGTERM)
    assert "Traceback" not in sidecar.log
    assert "error" not in sidecar.log


def once_beside(
    other: PrometheusServer, folder: Path, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Start a Prometheus, run the sidecar beside it once, and stop it."""
    other.start()
    assert other.process
    try:
        (folder / "pid").write_text(f"{other.process.pid}\n")
        place = {"url": other.url, "rules": str(other.rules), **more}
        sidecar = SidecarProcess(
            folder, {**HOST, "sidecar": {"interval": "1s", "prometheus": place}}
        )
        return run("sidecar", "--once", "--config", str(sidecar.file))
    finally:
        other.stop()


def test_without_its_lifecycle_api_prometheus_is_sent_a_signal(
    exporter: ExporterProcess, tmp_path: Path
) -> None:
    other = PrometheusServer(tmp_path / "p", [exporter.port], flags=())
    done = once_beside(other, tmp_path, reload={"pid_file": "pid"})
    assert (done.returncode, done.stdout[:8]) == (0, "in step,"), done


def test_what_checking_takes_is_not_taken_from_prometheus_time(
    exporter: ExporterProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "promtool"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\nsleep 13\nexec {shutil.which("promtool")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    other = PrometheusServer(tmp_path / "p", [exporter.port])
    done = once_beside(other, tmp_path)
    assert (done.returncode, done.stdout[:8]) == (0, "in step,"), done
