"""End to end: what one process says when a Neo4j among its targets misbehaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from neo4j import GraphDatabase

from exporter.demo.servers.neo4j import Neo4jServer
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import TOKEN, ExporterProcess, open_folder
from tests.integration.verdicts import (
    HOST,
    down,
    findings,
    new_reasons,
    others_unharmed,
    tells_no_secret,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PASSWORD = f"n/{TOKEN} %'&"
TIMES = {"interval": "1s", "timeout": "1s"}
POLLS = 5  # of a target that is refused; its back-off ends twice in that time
COLD = 60.0  # seconds: a server that has just started compiles its first queries


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Neo4jServer]:
    """Start one that locks a user for a minute after two wrong passwords."""
    locks = {
        "dbms.security.auth_max_failed_attempts": "2",
        "dbms.security.auth_lock_time": "1m",
    }
    found = Neo4jServer(folder / "neo4j", password=PASSWORD, settings=locks)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def victim(server: Neo4jServer) -> Iterator[Neo4jServer]:
    yield server
    server.resume()


@pytest.fixture(scope="module")
def bystander(folder: Path) -> Iterator[RedisServer]:
    found = RedisServer(folder / "redis", password=TOKEN)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def secret(folder: Path) -> Path:
    file = folder / "password"
    file.write_text(PASSWORD + "\n")
    return file


@pytest.fixture(scope="module")
def exporter(
    folder: Path, server: Neo4jServer, bystander: RedisServer, secret: Path
) -> Iterator[ExporterProcess]:
    config = config_of(server, bystander, secret)
    with ExporterProcess(folder / "exporter", config) as process:
        process.wait_for(lambda page: page.works("graph"), COLD)
        yield process
        tells_no_secret(process)


def config_of(
    server: Neo4jServer, bystander: RedisServer, secret: Path
) -> dict[str, Any]:
    graph = {
        "uri": server.uri,
        "user": server.user,
        "password_file": str(secret),
        "queries": [{"name": "all", "cypher": "MATCH (n) RETURN count(n)"}],
        **TIMES,
    }
    return {
        "neo4j": {"graph": graph},
        "redis": {"bystander": {"url": bystander.url, **TIMES}},
        "host": HOST,
    }


def ask(server: Neo4jServer, query: str) -> list[dict[str, Any]]:
    login = (server.user, server.password)
    with GraphDatabase.driver(server.uri, auth=login) as driver:
        records, _, _ = driver.execute_query(query)
    return [record.data() for record in records]


def ours(server: Neo4jServer) -> int:
    """Count the exporter's connections in the server."""
    found = ask(
        server,
        "CALL dbms.listConnections() YIELD userAgent "
        "WHERE userAgent STARTS WITH 'kpi-exporter' RETURN userAgent",
    )
    return len(found)


def assert_one_connection(exporter: ExporterProcess, server: Neo4jServer) -> None:
    assert ours(server) == 1
    assert exporter.connections(server.port) == 1


def test_promtool_finds_no_fault_with_the_page(exporter: ExporterProcess) -> None:
    exporter.wait_for(lambda page: page.works("graph"), COLD)
    page = exporter.page("/probe?target=graph")

    assert {"neo4j_info", "neo4j_plan_operators"} <= page.data("graph")
    assert findings(page) == set()


def test_a_frozen_server_is_down_for_timeout_and_comes_back(
    exporter: ExporterProcess, victim: Neo4jServer
) -> None:
    before = exporter.wait_for(lambda page: page.works("graph"), COLD)

    victim.pause()
    down(exporter, "graph", {"timeout"}, before)
    assert exporter.connections(victim.port) <= 1

    victim.resume()
    exporter.wait_for(lambda page: page.works("graph"), COLD)
    assert_one_connection(exporter, victim)


def test_a_killed_server_is_down_until_it_has_started(
    exporter: ExporterProcess, victim: Neo4jServer
) -> None:
    before = exporter.wait_for(lambda page: page.works("graph"), COLD)

    victim.kill()
    gone = down(exporter, "graph", {"connect"}, before)
    assert exporter.connections(victim.port) == 0

    victim.launch()
    others_unharmed(exporter, "graph", gone)
    victim.wait()
    page = exporter.wait_for(lambda page: page.works("graph"), COLD)
    assert new_reasons(page, "graph", gone) <= {"connect", "starting", "timeout"}
    assert page.value("neo4j_info", target="graph", edition="community") == 1
    assert_one_connection(exporter, victim)


def test_a_wrong_password_is_tried_once_and_locks_nobody_out(
    folder: Path, victim: Neo4jServer, bystander: RedisServer
) -> None:
    secret = folder / "wrong"
    secret.write_text(f"another{TOKEN}\n")
    config = config_of(victim, bystander, secret)
    with ExporterProcess(folder / "refused", config) as exporter:
        page = exporter.wait_for(
            lambda page: page.failures("graph", "server").get("auth", 0) >= POLLS, 20
        )
        assert page.up("graph") == 0
        assert set(page.failures("graph")) == {"auth"}
        assert ask(victim, "RETURN 1 AS one") == [{"one": 1}]
        assert exporter.connections(victim.port) == 0
        others_unharmed(exporter, "graph", page)

        secret.write_text(PASSWORD)
        exporter.wait_for(lambda page: page.works("graph"), COLD)
        tells_no_secret(exporter)
