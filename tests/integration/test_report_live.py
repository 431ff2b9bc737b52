"""Reports on a real exporter: from its page, its API, and a Prometheus."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
import yaml
from openapi_schema_validator import OAS31Validator

from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer
from exporter.web.service import BASE
from tests.integration.exporter_process import TOKEN, ExporterProcess, open_folder, run
from tests.integration.monitored_postgres import owner, started
from tests.integration.test_e2e_prometheus import Prometheus, static_job
from tests.integration.verdicts import HOST, TIMES, healthy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.servers.postgres import PostgresServer

PATIENCE = 150.0  # seconds: the rule waits for one minute
QUERIES = "kpi_exporter_source_queries_total"


class World(NamedTuple):
    exporter: ExporterProcess
    prometheus: Prometheus
    postgres: PostgresServer


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Run an exporter whose PostgreSQL has more connections than was promised."""
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        cache = RedisServer(folder / "redis")
        stack.callback(cache.stop)
        cache.start()
        server = started(folder, 16)
        stack.callback(server.stop)
        dsn = server.dsn("orders", "monitor")
        config = {
            "interval": "1s",
            "postgres": {
                "orders": {"dsn": dsn, **TIMES},
                "quiet": {"dsn": dsn, **TIMES, "statements": {"text": False}},
            },
            "redis": {"cache": {"url": cache.url, **TIMES}},
            "host": HOST,
            "kpis": {"pg_connections_used": {"warning": "0.1%", "critical": "0.2%"}},
        }
        exporter = ExporterProcess(folder / "exporter", config)
        stack.enter_context(exporter)
        prometheus = Prometheus(folder / "prometheus", static_job(exporter))
        with_rules(prometheus, exporter)
        stack.callback(prometheus.stop)
        prometheus.start()
        healthy(exporter)
        work(server)
        yield World(exporter, prometheus, server)


def with_rules(prometheus: Prometheus, exporter: ExporterProcess) -> None:
    """Let it have the rules of the exporter's configuration."""
    file, folder = str(exporter.file), str(prometheus.folder)
    assert run("render", "--config", file, "--out", folder).returncode == 0
    path = prometheus.folder / "prometheus.yml"
    settings = yaml.safe_load(path.read_text())
    settings["global"]["evaluation_interval"] = "1s"
    path.write_text(yaml.safe_dump({**settings, "rule_files": ["rules/*.yaml"]}))


def work(server: PostgresServer) -> None:
    """Run a statement often enough to be counted, with a literal in it."""
    with owner(server, "orders") as session:
        session.execute("create table if not exists things (id int, name text)")
        for number in range(50):
            session.execute(
                psycopg.sql.SQL("select * from things where name = {}").format(
                    psycopg.sql.Literal(f"Anna Secret {number}")
                )
            )


def told(world: World, path: str) -> dict[str, Any]:
    """Ask the API, and check the answer by its own description."""
    answer = world.exporter.get(f"{BASE}{path}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    described = json.loads(world.exporter.get(f"{BASE}/openapi.json").text)
    item = described["paths"][f"{BASE}{path.partition('?')[0]}"]["get"]
    schema = item["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": described["components"]}
    OAS31Validator(whole).validate(found)
    return found


@pytest.mark.parametrize("path", ["/metrics", "/report", "/cache-stats"])
def test_the_api_answers_as_it_is_described(path: str, world: World) -> None:
    found = told(world, f"{path}?limit=500")

    assert found["items"]
    assert found["total"] == len(found["items"])


def test_cache_statistics_are_of_redis_and_of_shared_buffers(world: World) -> None:
    items = told(world, "/cache-stats?limit=500")["items"]

    assert {(each["source"], each["target"]) for each in items} == {
        ("redis", "cache"),
        ("postgres", "orders"),
        ("postgres", "quiet"),
    }
    orders = next(each for each in items if each.get("datname") == "orders")
    assert 0 < orders["hit_rate"] <= 1


def test_the_api_names_what_is_broken_now(world: World) -> None:
    found = told(world, "/report?verdict=broken&kpi=pg_connections_used")

    (kpi,) = found["items"]
    assert (kpi["severity"], found["status"]) == ("critical", 1)
    broken = {row["labels"]["target"] for row in kpi["rows"]}
    assert broken == {"orders", "quiet"}


def test_slow_queries_have_their_texts_without_literals(world: World) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        work(world.postgres)
        items = told(world, "/slow-queries?target=orders&limit=500")["items"]
        mine = [i for i in items if "things where name" in (i["query"] or "")]
        if mine:
            break
        assert time.monotonic() < deadline, items
        time.sleep(0.5)
    assert mine[0]["mean_seconds"] == mine[0]["seconds"] / mine[0]["calls"]
    assert mine[0]["rows"] == 0
    assert "Anna" not in json.dumps(items)
    quiet = told(world, "/slow-queries?target=quiet&limit=500")["items"]
    assert {item["query"] for item in quiet} == {None}


def test_the_api_asks_no_server() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        cache = RedisServer(folder / "redis")
        stack.callback(cache.stop)
        cache.start()
        config = {"interval": "1h", "redis": {"cache": {"url": cache.url}}}
        exporter = stack.enter_context(ExporterProcess(folder / "exporter", config))
        before = healthy(exporter).value(QUERIES, target="cache")

        for path in ("/metrics", "/report", "/slow-queries", "/cache-stats"):
            assert exporter.get(f"{BASE}{path}").status == 200
        first = json.loads(exporter.get(f"{BASE}/report?kpi=redis_hit_rate").text)

        assert "this is the first; ask again" in first["items"][0]["why"]
        assert before
        assert exporter.page().value(QUERIES, target="cache") == before


def test_the_page_alone_gives_a_report_with_less(world: World) -> None:
    url = f"http://127.0.0.1:{world.exporter.port}"

    done = run("report", "--exporter", url, "--config", str(world.exporter.file))

    assert done.returncode == 1, done.stderr
    broken = done.stdout.partition("KEPT")[0]
    assert "Connections against the usable limit" in broken
    assert "a Prometheus would tell" in done.stdout
    assert "is the application's, who was not asked" in done.stdout


def test_a_prometheus_that_scrapes_it_says_the_promise_is_broken(world: World) -> None:
    deadline = time.monotonic() + PATIENCE
    arguments = (
        *("report", "--prometheus", f"http://127.0.0.1:{world.prometheus.port}"),
        *("--config", str(world.exporter.file), "--since", "5m"),
    )
    while True:
        done = run(*arguments, "--format", "json")
        found = {each["kpi"]: each for each in json.loads(done.stdout)["kpis"]}
        if found["pg_connections_used"]["verdict"] == "broken":
            break
        assert time.monotonic() < deadline, done.stdout
        time.sleep(2)

    assert done.returncode == 1
    assert found["pg_connections_used"]["severity"] == "critical"
    assert "holds" in found["pg_connections_used"]["causes"][0]
    assert found["redis_memory_used"]["verdict"] == "kept"
    assert found["neo4j_heap_used"]["why"] == "no target is a neo4j"


def test_a_prometheus_that_is_gone_is_named_and_nothing_is_judged() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = run("report", "--prometheus", url)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{url}/api/v1/query: cannot be reached")
    assert done.stderr.count("\n") == 1


def test_an_exporter_that_is_gone_is_named_without_its_password() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    done = run("report", "--exporter", f"http://anna:{TOKEN}@127.0.0.1:{port}")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{url}/metrics: cannot be reached")


def test_a_prometheus_without_our_series_gives_no_verdict() -> None:
    with open_folder() as folder:
        prometheus = Prometheus(folder / "empty", {"job_name": "nothing"})
        prometheus.start()
        try:
            done = run("report", "--prometheus", f"http://127.0.0.1:{prometheus.port}")
        finally:
            prometheus.stop()

    assert done.returncode == 2
    assert done.stdout.startswith("No verdict")
    assert "KEPT" not in done.stdout
