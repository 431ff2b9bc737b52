"""End to end: the configuration changes, and a real Prometheus judges by it."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from exporter.check_http import Browser
from exporter.cli import main
from exporter.config_sidecar import Prometheus
from exporter.render.installed import Installed
from exporter.sidecar.own import Own
from exporter.sidecar.problems import Problems
from exporter.sidecar.prometheus import Api
from exporter.sidecar.rules import Rules
from tests.integration.exporter_process import (
    ExporterProcess,
    Page,
    open_folder,
    run,
)
from tests.integration.sidecar_world import (
    FOREIGN,
    HOST,
    PrometheusServer,
    SidecarProcess,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALERT = "DbQueryP95"
READY = "ready\n"
CHECK = "kpi_sidecar_check_success"
CHANGES = "kpi_sidecar_rule_changes_total"


class World(NamedTuple):
    """All that runs: an exporter that Prometheus scrapes, and the sidecar."""

    exporter: ExporterProcess
    prometheus: PrometheusServer
    sidecar: SidecarProcess
    boards: Path

    limits: list[int]

    def change(self) -> float:
        """Write a configuration with a limit that was not there before."""
        self.limits.append(self.limits[-1] - 1)
        self.sidecar.write(self.config())
        return self.limits[-1] / 1000

    @property
    def limit(self) -> float:
        """The limit that is written, in seconds."""
        return self.limits[-1] / 1000

    def config(self) -> dict[str, Any]:
        return {
            **HOST,
            "kpis": {"db_query_p95": {"warning": f"{self.limits[-1]}ms"}},
            "sidecar": {
                "interval": "1s",
                "prometheus": {
                    "url": self.prometheus.url,
                    "rules": str(self.prometheus.rules),
                },
                "grafana": {"folder": str(self.boards)},
            },
        }

    def judged_by(self, limit: float) -> bool:
        judged = self.prometheus.expressions(ALERT)
        return re.search(rf"> {limit:g}(?!\d)", judged) is not None

    def written(self) -> list[int]:
        """Return when each of our files was written."""
        files = sorted(self.prometheus.rules.glob("kpi-*.yaml"))
        return [file.stat().st_mtime_ns for file in files]

    def texts(self) -> str:
        files = sorted(self.prometheus.rules.glob("kpi-*.yaml"))
        return "\n".join(file.read_text() for file in files)


@pytest.fixture(scope="module")
def started() -> Iterator[World]:
    with (
        open_folder() as folder,
        ExporterProcess(folder / "exporter", HOST) as exporter,
    ):
        prometheus = PrometheusServer(folder / "prometheus", [exporter.port])
        boards = folder / "boards"
        boards.mkdir()
        (prometheus.rules / "theirs.yaml").write_text(FOREIGN)
        prometheus.start()
        world = World(exporter, prometheus, None, boards, [99])  # type: ignore[arg-type] # it is made of the others
        sidecar = SidecarProcess(folder / "sidecar", world.config())
        try:
            with sidecar:
                yield world._replace(sidecar=sidecar)
        finally:
            prometheus.stop()


@pytest.fixture
def world(started: World) -> World:
    """Begin with everything in step, whatever was broken before."""
    if started.sidecar.ready() != READY:
        started.change()
    started.sidecar.until(lambda: started.judged_by(started.limit))
    started.sidecar.until(lambda: started.sidecar.ready() == READY)
    return started


def test_a_changed_limit_is_live_and_verified_and_its_seconds_are_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = world.sidecar.page().value(CHANGES, result="loaded") or 0
    limit = world.change()
    live = world.sidecar.until(lambda: world.judged_by(limit))
    pages: list[Page] = []

    def verified() -> bool:
        """Whether one page says that all is well, and that with the new limit."""
        pages.append(world.sidecar.page())
        changes = pages[-1].value(CHANGES, result="loaded") or 0
        well = [value for _, value in pages[-1].samples(CHECK)] == [1.0] * 6
        return well and changes == before + 1

    ready = live + world.sidecar.until(verified)
    page = pages[-1]
    took = page.value("kpi_sidecar_sync_seconds")
    with capsys.disabled():
        print(
            f"\na changed limit: live {live:.1f} s, ready {ready:.1f} s, took {took} s"
        )
    assert took is not None
    assert 0 < took < ready
    rules = sum(
        len(g["rules"])
        for g in world.prometheus.ask("rules")["groups"]
        if g["name"].startswith("kpi-")
    )
    assert page.value("kpi_sidecar_rules_loaded") == rules


def test_a_broken_configuration_changes_no_rule(world: World) -> None:
    before, old = world.texts(), world.limit
    world.sidecar.file.write_text("kpis: {db_query_p95: {warning: soon}}\n")
    world.sidecar.until(lambda: "db_query_p95" in world.sidecar.ready())
    answer = world.sidecar.get("/-/ready")
    assert (answer.status, "exporter.yaml:1:" in answer.text) == (503, True)
    page = world.sidecar.page()
    assert page.value("kpi_sidecar_config_last_reload_successful") == 0
    assert page.value(CHECK, check="config") == 0
    assert (world.texts(), world.judged_by(old)) == (before, True)


def test_rules_of_others_and_other_files_are_left_alone(world: World) -> None:
    theirs = world.prometheus.rules / "theirs.yaml"
    before = theirs.stat().st_mtime_ns
    limit = world.change()
    world.sidecar.until(lambda: world.judged_by(limit))
    assert theirs.read_text() == FOREIGN
    assert theirs.stat().st_mtime_ns == before
    assert "theirs" in world.prometheus.groups()


def test_what_prometheus_does_not_load_is_rolled_back_and_tried_again(
    world: World,
) -> None:
    before, old = world.texts(), world.limit
    broken = world.prometheus.rules / "broken.yaml"
    broken.write_text("groups: [{name: x, rules: [{record: x, expr: 'sum('}]}]\n")
    limit = world.change()
    world.sidecar.until(lambda: "put back" in world.sidecar.ready())
    assert (world.texts(), world.judged_by(old)) == (before, True)
    assert "does not load" in world.sidecar.ready()
    broken.unlink()
    world.sidecar.until(lambda: world.judged_by(limit))
    world.sidecar.until(lambda: world.sidecar.ready() == READY)


def test_rules_that_were_edited_or_doubled_are_seen(world: World) -> None:
    place = world.prometheus.rules / "kpi-redis.yaml"
    text = place.read_text()
    place.write_text(text.replace("severity: warning", "severity: critical"))
    world.sidecar.until(lambda: place.read_text() == text)
    twin = world.prometheus.rules / "old.yaml"
    twin.write_text(text)
    limit = world.change()
    said = "group kpi-redis is loaded from"
    world.sidecar.until(lambda: said in world.sidecar.ready())
    twin.unlink()
    world.sidecar.until(lambda: world.judged_by(limit))


def test_a_killed_prometheus_is_waited_for(world: World) -> None:
    before = world.written()
    world.prometheus.kill()
    world.sidecar.until(lambda: "cannot be reached" in world.sidecar.ready())
    limit = world.change()
    world.sidecar.until(lambda: not world.sidecar.page().value(CHECK, check="rules"))
    assert world.written() == before
    world.prometheus.start()
    world.sidecar.until(lambda: world.judged_by(limit))
    world.sidecar.until(lambda: world.sidecar.ready() == READY)


def test_dashboards_are_kept_in_grafanas_folder(world: World) -> None:
    board = world.boards / "kpi-overview.json"
    mine = world.boards / "mine.json"
    mine.write_text("{}")
    text = board.read_text()
    board.unlink()
    world.sidecar.until(board.exists)
    assert (board.read_text(), mine.read_text()) == (text, "{}")


def test_once_says_with_its_status_whether_all_is_in_step(
    world: World, tmp_path: Path
) -> None:
    done = run("sidecar", "--once", "--config", str(world.sidecar.file))
    assert (done.returncode, done.stdout[:8]) == (0, "in step,"), done
    (tmp_path / "kpi.yaml").write_text("sidecar: {prometheus: {}}\n")
    words = ["sidecar", "--once", "--config", str(tmp_path / "kpi.yaml")]
    assert main(words, io.StringIO()) == 2
    lines = world.sidecar.file.read_text().replace(
        world.prometheus.url, "http://127.0.0.1:1"
    )
    (tmp_path / "kpi.yaml").write_text(lines)
    done = run("sidecar", "--once", "--config", str(tmp_path / "kpi.yaml"))
    assert (done.returncode, "cannot be reached" in done.stdout) == (1, True)


@pytest.mark.parametrize("promtool", [True, False])
async def test_a_bad_rule_never_enters_the_folder(
    promtool: bool,  # noqa: FBT001 - a parameter of the test
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not promtool:
        monkeypatch.setenv("PATH", "")
    rules = [{"record": "a:b:c", "expr": "sum(up"}, {"record": "d:e:f", "expr": "1"}]
    groups = [{"name": "g", "rules": rules}]
    text = "groups: [{name: g, rules: [{record: 'a:b:c', expr: 'sum(up'}]}]\n"
    made = Installed({"kpi-x.yaml": text}, {"kpi-x.yaml": groups}, {})
    own = Own()
    problems = Problems(own, ["rules", "loaded"])
    place = Prometheus(rules=tmp_path, url=world.prometheus.url)
    async with Browser() as browser:
        api = Api(browser, world.prometheus.url)
        assert await Rules(place, 1, problems, own).bring(made, api) is None
    assert any("parse error" in each for each in problems.of("rules"))
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - in a coroutine
    result = b'kpi_sidecar_rule_changes_total{result="refused"} 1'
    assert result in own.page(ready=False).plain


def test_a_hang_up_does_not_end_it(world: World) -> None:
    world.sidecar.process.send(signal.SIGHUP)
    assert world.sidecar.get("/-/healthy").status == 200
    assert world.sidecar.process.alive


def test_its_metrics_keep_prometheus_rules_for_them(world: World) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=world.sidecar.get("/metrics").text,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "kpi_sidecar" in line]
    assert said == []
