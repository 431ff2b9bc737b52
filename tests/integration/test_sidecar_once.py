"""One run before Prometheus first starts: promtool alone checks what is written."""

from __future__ import annotations

import io
import signal
from functools import partial
from typing import TYPE_CHECKING

from exporter.config_load import load
from exporter.sidecar.app import once
from tests.integration.exporter_process import run
from tests.integration.sidecar_world import SidecarProcess

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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
