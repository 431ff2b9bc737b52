"""End to end: alerts come back through each Alertmanager, or another way is told."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from exporter.config_sidecar import DeadMan
from exporter.errors import KpiExporterError
from exporter.sidecar.dead_man import call
from exporter.sidecar.watch import Status
from tests.integration.alertmanager_process import Sinks
from tests.integration.exporter_process import TOKEN, open_folder, run
from tests.integration.sidecar_alertmanagers import Member, pair
from tests.integration.sidecar_world import HOST, PrometheusServer, SidecarProcess

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

INTERVAL = 8.0
CALLS = "kpi_sidecar_dead_man_calls_total"
FORWARDS = "kpi_sidecar_alertmanager_forwards"
HIDDEN = "kpi_sidecar_hidden_alerts"
FULL = {"alertname": "Full", "kpi": "full", "severity": "critical", "target": "shop"}


class World(NamedTuple):
    """All that runs, and what the second way was told."""

    prometheus: PrometheusServer
    members: tuple[Member, Member]
    sidecar: SidecarProcess
    sinks: Sinks
    began: float

    def well(self) -> bool:
        """Whether every way is proved."""
        said = self.sidecar.ready()
        return "watchdog:" not in said and "alertmanagers:" not in said

    def told(self) -> list[str]:
        return [call.body["status"] for call in self.sinks.calls]

    def value(self, name: str, **labels: str) -> float | None:
        return self.sidecar.page().value(name, **labels)


@pytest.fixture(scope="module")
def started() -> Iterator[World]:
    sinks, began = Sinks(), time.monotonic()
    with open_folder() as folder:
        sidecar = SidecarProcess(folder / "sidecar", {"sidecar": {}})
        members = pair(folder, f"http://127.0.0.1:{sidecar.port}/alertmanager")
        ports = [member.port for member in members]
        prometheus = PrometheusServer(folder / "prometheus", [], ports)
        servers = (*members, prometheus)
        host, port = sinks.http.server_address[:2]
        section = {
            "interval": "1s",
            "prometheus": {"url": prometheus.url, "rules": str(prometheus.rules)},
            "alertmanagers": [member.url for member in members],
            "watchdog": {
                "interval": f"{INTERVAL:g}s",
                "dead_man": {"url": f"http://{host!s}:{port}/{TOKEN}"},
            },
        }
        sidecar.write({**HOST, "sidecar": section})
        try:
            for server in servers:
                server.start()
            with sidecar:
                yield World(prometheus, members, sidecar, sinks, began)
        finally:
            for server in servers:
                server.stop()
            sinks.close()


@pytest.fixture
def world(started: World) -> World:
    """Begin with all ways proved, and nobody told of anything."""
    for member in started.members:
        if not (member.process and member.process.alive):
            member.start()
    started.sidecar.until(started.well)
    started.sinks.calls.clear()
    return started


def test_each_alertmanager_of_the_cluster_is_proved_and_the_way_is_timed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    page = world.sidecar.page()
    names = [member.url for member in world.members]
    assert [page.value(FORWARDS, alertmanager=name) for name in names] == [1, 1]
    peers = "kpi_sidecar_alertmanager_peers"
    assert [page.value(peers, alertmanager=name) for name in names] == [2, 2]
    took = page.value("kpi_sidecar_watchdog_delivery_seconds")
    count = page.value("kpi_sidecar_delivery_seconds_count")
    total = page.value("kpi_sidecar_delivery_seconds_sum")
    assert took is not None
    assert count
    assert total is not None
    with capsys.disabled():
        print(f"\nWatchdog {took:.2f} s old, new alerts {total / count * 1e3:.1f} ms")
    since = time.monotonic() - world.began
    assert 0 <= took < since
    assert 0 <= total / count < since
    assert world.told() == []


def once(world: World, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have the Alertmanagers looked at once."""
    file = folder / "kpi.yaml"
    section = {"alertmanagers": [member.url for member in world.members]}
    file.write_text(yaml.safe_dump({"sidecar": section}))
    return run("sidecar", "--once", "--config", str(file))


def test_one_lost_alertmanager_is_named_and_nobody_is_called(
    world: World, tmp_path: Path
) -> None:
    one, two = world.members
    two.kill()
    said = f"{two.url}: the alert KpiSidecarProbe"
    world.sidecar.until(lambda: said in world.sidecar.ready())
    text = world.sidecar.ready()
    assert f"{two.url}/api/v2/status: cannot be reached" in text
    assert "watchdog:" not in text
    page = world.sidecar.page()
    assert page.value(FORWARDS, alertmanager=two.url) == 0
    assert page.value("kpi_sidecar_alertmanager_up", alertmanager=two.url) == 0
    assert page.value(FORWARDS, alertmanager=one.url) == 1
    assert world.told() == []
    done = once(world, tmp_path)
    said = f"alertmanagers: {two.url}/api/v2/status: cannot be reached"
    assert (done.returncode, said in done.stdout) == (1, True), done


def test_the_second_way_is_told_once_that_alerts_are_lost_and_once_that_all_is_well(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = world.value(CALLS, status="lost", result="worked") or 0
    killed = time.monotonic()
    for member in world.members:
        member.kill()
    world.sidecar.until(lambda: world.told() == ["lost"])
    with capsys.disabled():
        print(f"\nthe second way was told after {time.monotonic() - killed:.1f} s")
    assert "watchdog: Watchdog has not arrived" in world.sidecar.ready()
    again = time.monotonic() + INTERVAL / 2
    world.sidecar.until(lambda: time.monotonic() > again)
    assert world.told() == ["lost"]
    for member in world.members:
        member.start()
    world.sidecar.until(lambda: world.told() == ["lost", "well"])
    world.sidecar.until(world.well)
    assert world.told() == ["lost", "well"]
    assert world.value(CALLS, status="lost", result="worked") == before + 1
    assert TOKEN not in world.sidecar.log


def test_the_second_way_is_told_when_prometheus_dies(world: World) -> None:
    world.prometheus.kill()
    world.sidecar.until(lambda: world.told() == ["lost"])
    world.prometheus.start()
    world.sidecar.until(lambda: world.told() == ["lost", "well"])


def test_a_silence_that_hides_a_critical_kpi_is_shown(
    world: World, tmp_path: Path
) -> None:
    one, _ = world.members
    one.fire(**FULL)
    silence = one.silence(kpi="full")
    world.sidecar.until(lambda: world.value(HIDDEN, how="silenced") == 1)
    page = world.sidecar.get("/delivery")
    assert page.status == 200
    assert "Full on shop fires now: silenced, {kpi=full} by ops until" in page.text
    assert "&lt;b&gt;moving house" in page.text
    done = once(world, tmp_path)
    said = "hidden: Full on shop fires now: silenced, {kpi=full} by ops until"
    assert (done.returncode, said in done.stdout) == (0, True), done
    one.expire(silence)
    world.sidecar.until(lambda: world.value(HIDDEN, how="silenced") == 0)
    one.end(**FULL)


def test_a_silence_that_would_hide_critical_kpis_is_shown_before_they_break(
    world: World,
) -> None:
    silences = "kpi_sidecar_hiding_silences"
    other = world.members[0].silence(severity="warning")
    silence = world.members[1].silence(kpi="pg_connections_used", target="orders")
    world.sidecar.until(lambda: world.value(silences) == 1)
    said = "PgConnectionsUsed would not be told: silenced"
    world.sidecar.until(lambda: said in world.sidecar.get("/delivery").text)
    for each in (silence, other):
        world.members[1].expire(each)
    world.sidecar.until(lambda: world.value(silences) == 0)


def test_an_inhibition_that_hides_a_critical_kpi_is_shown(world: World) -> None:
    down = {**FULL, "alertname": "TargetDown", "kpi": "target_down", "target": "inn"}
    for labels in (down, {**FULL, "target": "inn"}):
        world.members[0].fire(**labels)
    world.sidecar.until(lambda: world.value(HIDDEN, how="inhibited") == 1)
    assert world.value(HIDDEN, how="silenced") == 0
    said = "Full on inn fires now: inhibited"
    assert said in world.sidecar.get("/delivery").text
    for labels in ({**FULL, "target": "inn"}, down):
        world.members[0].end(**labels)
    world.sidecar.until(lambda: world.value(HIDDEN, how="inhibited") == 0)


async def test_a_command_is_told_in_its_arguments(tmp_path: Path) -> None:
    place = tmp_path / "told"
    script = f"import sys; open({str(place)!r}, 'w').write(' '.join(sys.argv[1:]))"
    await call(DeadMan(command=(sys.executable, "-c", script)), Status.LOST, "help")
    assert place.read_text() == "lost help"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (DeadMan(command=("/nowhere",)), "cannot be run"),
        (DeadMan(command=(sys.executable, "-c", "exit(3)")), "ended with 3"),
        (DeadMan(url=f"http://127.0.0.1:1/{TOKEN}"), "127.0.0.1: cannot be reached"),
    ],
)
async def test_a_second_way_that_fails_says_why_without_its_secret(
    settings: DeadMan, said: str
) -> None:
    with pytest.raises(KpiExporterError) as caught:
        await call(settings, Status.WELL, "all is well")
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)
