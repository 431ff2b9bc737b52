"""An interval that is shorter than Prometheus sends again makes no false loss."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.integration.alertmanager_process import Sinks
from tests.integration.prometheus_process import PrometheusProcess
from tests.integration.sidecar_world import HOST, SidecarProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERVAL = 2.0


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[tuple[SidecarProcess, Sinks]]:
    """Run Prometheus with these flags, and a sidecar to which nothing is sent."""
    sinks = Sinks()
    prometheus = PrometheusProcess(folder / "prometheus", {}, flags)
    host, port = sinks.http.server_address[:2]
    section = {
        "interval": "500ms",
        "prometheus": {"url": prometheus.url, "rules": str(folder)},
        "watchdog": {
            "interval": f"{INTERVAL:g}s",
            "dead_man": {"url": f"http://{host!s}:{port}/"},
        },
    }
    try:
        prometheus.start()
        config = {**HOST, "sidecar": section}
        with SidecarProcess(folder / "sidecar", config) as sidecar:
            yield sidecar, sinks
    finally:
        prometheus.stop()
        sinks.close()


def test_who_is_sent_nothing_so_often_calls_nobody_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as (sidecar, sinks):
        said = (
            "watchdog: watchdog.interval (2 s) is shorter than Prometheus sends alerts "
            "again (--rules.alert.resend-delay is 60 s); losses would be false, so "
            "210 s are waited"
        )
        sidecar.until(lambda: said in sidecar.ready())
        later = time.monotonic() + 3 * INTERVAL
        sidecar.until(lambda: time.monotonic() > later)
        assert "has not arrived" not in sidecar.ready()
        assert sinks.calls == []


def test_a_prometheus_that_sends_sooner_is_awaited_sooner(tmp_path: Path) -> None:
    with running(tmp_path, "--rules.alert.resend-delay=1s") as (sidecar, sinks):
        sidecar.until(lambda: [each.body["status"] for each in sinks.calls] == ["lost"])
        assert "has not arrived for more than 2 s" in sidecar.ready()
        assert "is shorter than" not in sidecar.ready()
