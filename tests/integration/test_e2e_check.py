"""`kpi-exporter check --metrics` and `--prometheus` against what is really served."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from exporter.demo.servers.process import Process, ServerError, free_port
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import ExporterProcess, open_folder, run
from tests.integration.strange_pages import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class World(NamedTuple):
    """An exporter with Redis and host, an application, and a Prometheus over both."""

    exporter: str
    application: str
    prometheus: str
    config: Path


@contextmanager
def judged(folder: Path, exporter: str, application: str) -> Iterator[str]:
    """Run a Prometheus with our rules over both pages."""
    program = shutil.which("prometheus")
    if program is None:
        raise ServerError("no prometheus is installed; Debian: apt install it")
    jobs = {"kpi-exporter": exporter, "shop": application}
    text = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules/*.yaml"],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [url.split("//")[1]]}]}
            for name, url in jobs.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(text))
    address = f"127.0.0.1:{free_port()}"
    flags = [f"--config.file={folder / 'prometheus.yml'}"]
    flags += [f"--storage.tsdb.path={folder / 'data'}"]
    flags += [f"--web.listen-address={address}"]
    process = Process([program, *flags], folder / "prometheus.log", as_ourselves=True)
    url = f"http://{address}"
    try:
        process.wait_until(lambda: bool(asked(url, "count(target:cpu_used:ratio)")), 60)
        yield url
    finally:
        process.stop()


def asked(url: str, query: str) -> list[Any]:
    try:
        page = f"{url}/api/v1/query?query={query}"
        with urllib.request.urlopen(page, timeout=5) as answer:
            result: list[Any] = json.load(answer)["data"]["result"]
            return result
    except urllib.error.URLError:
        return []


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with open_folder() as folder, served() as application:
        server = RedisServer(folder / "redis")
        server.start()
        config = {
            "interval": "1s",
            "redis": {"cache": {"url": server.url}},
            "host": {"local": {}},
        }
        made = run("render", "--out", str(folder))
        assert made.returncode == 0, made.stderr
        try:
            with ExporterProcess(folder / "exporter", config) as exporter:
                exporter.wait_for(lambda page: page.works("cache"), 20)
                own = f"http://127.0.0.1:{exporter.port}"
                with judged(folder, own, application) as prometheus:
                    yield World(own, application, prometheus, exporter.file)
        finally:
            server.stop()


def states(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = run("check", "--json", *arguments)
    assert done.stderr == ""
    return done.returncode, {each["series"]: each for each in json.loads(done.stdout)}


def test_our_page_has_all_that_its_targets_can_give(world: World) -> None:
    status, found = states("--metrics", world.exporter, "--config", str(world.config))

    by_state: dict[str, set[str]] = {}
    for name, each in found.items():
        by_state.setdefault(each["state"], set()).add(name)
    assert status == 0
    assert by_state.keys() == {"present", "quiet", "no target", "elsewhere"}
    assert {"redis_memory_used_bytes", "node_load5", "redis_up"} <= by_state["present"]
    assert "redis_master_link_up" in by_state["quiet"]
    assert {"pg_up", "neo4j_index_state"} <= by_state["no target"]
    assert {"up", "http_requests_total", "target:cpu_used:ratio"} <= by_state[
        "elsewhere"
    ]


def test_an_applications_page_is_judged_beside_ours(world: World) -> None:
    pages = ("--metrics", world.exporter, "--metrics", f"{world.application}/metrics")

    status, found = states(*pages)

    assert status == 0
    assert found["http_requests_total"]["state"] == "present"
    missing = {name for name, each in found.items() if each["state"] == "missing"}
    assert "websocket_message_duration_seconds_bucket" in missing
    assert {each["giver"] for n, each in found.items() if n in missing} == {
        "application"
    }


def test_what_a_profile_promises_and_nobody_publishes_is_broken(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("profile: developer-mesh\nhost: {local: {}}\n")

    done = run("check", "--metrics", world.application, "--config", str(file))

    assert done.returncode == 1
    assert [
        line.partition(" (for ")[0].split(maxsplit=2)
        for line in done.stdout.splitlines()
        if " task_duration_seconds" in line
    ] == [
        ["missing", f"task_duration_seconds_{part}", "no application publishes it"]
        for part in ("bucket", "count")
    ]
    assert done.stdout.endswith("are needed to judge a promise\n")


def test_a_prometheus_with_the_rules_has_recordings_too(world: World) -> None:
    status, found = states("--prometheus", f"{world.prometheus}/")

    def state(name: str) -> str:
        return str(found[name]["state"])

    assert status == 0, [e for e in found.values() if e["broken"]]
    assert state("up") == state("http_requests_total") == "present"
    assert state("target:cpu_used:ratio") == "present"
    assert state("redis_memory_used_bytes") == state("node_load5") == "present"
    assert state("target:redis_evictions:per_second") == "present"
    assert state("target:pg_connections_used:ratio") == "quiet"
    assert state("pg_stat_activity_count") == "no target"
    assert state("redis_master_link_up") == "quiet"


def test_a_label_that_is_called_otherwise_is_named(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(
        "host: {local: {}}\n"
        "applications: {shop: {selector: 'job=\"shop\"', names: {status: code}}}\n"
    )

    status, found = states("--prometheus", world.prometheus, "--config", str(file))

    assert status == 1
    assert found["http_requests_total"]["why"] == "is there without the label code"
    assert found["http_requests_total"]["lacking"] == ["code"]
    assert {n for n, each in found.items() if each["broken"]} == {"http_requests_total"}


def test_a_failing_collector_is_named(tmp_path: Path) -> None:
    config = {"redis": {"cache": {"url": f"redis://127.0.0.1:{free_port()}"}}}
    with ExporterProcess(tmp_path, {**config, "interval": "1s"}) as exporter:
        failures = "kpi_exporter_collector_failures_total"
        exporter.wait_for(lambda page: page.sum(failures) > 0, 20)
        url = f"http://127.0.0.1:{exporter.port}/metrics"

        status, found = states("--metrics", url)

    assert status == 1
    assert found["redis_up"]["state"] == "present"
    assert found["redis_memory_used_bytes"] == {
        "series": "redis_memory_used_bytes",
        "labels": ["target"],
        "giver": "exporter",
        "source": "redis",
        "collector": "info",
        "kpis": ["redis_memory_used", "redis_full_in", "redis_fragmentation"],
        "state": "missing",
        "broken": True,
        "lacking": [],
        "why": "needs the collector info of redis, which fails: "
        "`kpi-exporter check --config FILE` says why",
    }
