"""End to end: what one process says when a PostgreSQL among its targets misbehaves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import TOKEN, ExporterProcess, Page, open_folder
from tests.integration.monitored_postgres import ours, owner, prepare, started
from tests.integration.verdicts import (
    HOST,
    RECOVERY,
    SOON,
    TIMES,
    down,
    healthy,
    latest,
    new_reasons,
    polled_after,
    recovers,
    tells_no_secret,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[PostgresServer]:
    server = started(folder, 16)
    yield server
    server.stop()


@pytest.fixture
def victim(first: PostgresServer) -> Iterator[PostgresServer]:
    """Let a test harm the server as a whole."""
    yield first
    first.resume()


@pytest.fixture(scope="module")
def exporter(folder: Path, first: PostgresServer) -> Iterator[ExporterProcess]:
    redis = RedisServer(folder / "redis", password=TOKEN)
    redis.start()
    target = {
        "dsn": first.dsn("orders", "monitor"),
        "connections": 1,
        "collectors": {"settings": {"interval": "1s"}},
        **TIMES,
    }
    config = {
        "postgres": {"victim": target},
        "redis": {"bystander": {"url": redis.url, **TIMES}},
        "host": HOST,
    }
    with ExporterProcess(folder / "exporter", config) as process:
        yield process
        tells_no_secret(process)
    redis.stop()


def assert_one_connection(exporter: ExporterProcess, server: PostgresServer) -> None:
    assert [database for database, _ in ours(server)] == ["orders"]
    assert exporter.connections(server.port) == 1


def test_a_frozen_server_is_down_for_timeout_and_comes_back(
    exporter: ExporterProcess, victim: PostgresServer
) -> None:
    before = healthy(exporter)

    victim.pause()
    down(exporter, "victim", {"timeout"}, before)
    assert exporter.connections(victim.port) <= 1

    victim.resume()
    recovers(exporter, "victim")
    assert_one_connection(exporter, victim)


def test_a_killed_server_is_down_for_connect_and_comes_back(
    exporter: ExporterProcess, victim: PostgresServer
) -> None:
    before = healthy(exporter)

    victim.kill()
    gone = down(exporter, "victim", {"connect"}, before)
    assert exporter.connections(victim.port) == 0

    victim.start()
    page = recovers(exporter, "victim")
    assert new_reasons(page, "victim", gone) <= {"connect", "starting"}
    assert_one_connection(exporter, victim)


def test_another_version_on_the_same_port_is_read_with_its_own_queries(
    exporter: ExporterProcess, victim: PostgresServer, folder: Path
) -> None:
    healthy(exporter)

    stopped(exporter, victim)
    newer = started(folder, 17, victim.port)
    try:
        exporter.wait_for(lambda page: major(page) == 17, RECOVERY)
        recovers(exporter, "victim")
        assert_one_connection(exporter, newer)
    finally:
        stopped(exporter, newer)
        victim.start()
    exporter.wait_for(lambda page: major(page) == 16, RECOVERY)
    recovers(exporter, "victim")


def stopped(exporter: ExporterProcess, server: PostgresServer) -> None:
    """Stop a server for so long that it is seen: settings are read once a minute."""
    server.stop()
    exporter.wait_for(lambda page: page.up("victim") == 0, SOON)


def major(page: Page) -> float:
    number = page.value("pg_settings_server_version_num", target="victim")
    return (number or 0) // 10000


def test_an_ended_session_is_replaced_without_a_gap(
    exporter: ExporterProcess, victim: PostgresServer
) -> None:
    before = healthy(exporter)
    ((_, pid),) = ours(victim)

    with owner(victim) as session:
        session.execute("select pg_terminate_backend(%s)", (pid,))
    page = polled_after(exporter, "victim", time.time())

    assert page.works("victim")
    assert new_reasons(page, "victim", before) == set()
    assert_one_connection(exporter, victim)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("connection limit 0", "limit"),
        ("nologin", "auth"),
        (f"password 'other{TOKEN}'", "auth"),
    ],
)
def test_a_role_that_is_not_let_in_has_a_reason(
    exporter: ExporterProcess, victim: PostgresServer, harm: str, reason: str
) -> None:
    before = healthy(exporter)
    ((_, pid),) = ours(victim)

    with owner(victim) as session:
        session.execute(f"alter role monitor {harm}".encode())
        session.execute("select pg_terminate_backend(%s)", (pid,))
    try:
        down(exporter, "victim", {reason}, before)
        assert ours(victim) == []
    finally:
        prepare(victim, "orders")

    recovers(exporter, "victim")
    assert_one_connection(exporter, victim)


def test_it_ends_at_once_in_mid_query_of_a_frozen_server(
    victim: PostgresServer, folder: Path
) -> None:
    target = {"dsn": victim.dsn("orders", "monitor")}
    config = {"postgres": {"victim": {**target, "interval": "2s", "timeout": "2s"}}}
    with ExporterProcess(folder / "ending", config) as exporter:
        exporter.wait_for(lambda page: page.works("victim"), SOON)
        victim.pause()
        exporter.wait_for(lambda page: latest(page, "victim") < time.time() - 2.6, SOON)
        assert exporter.page().up("victim") == 1
        assert exporter.connections(victim.port) >= 1

        seconds = exporter.stop()

    assert seconds < 2
    assert "Traceback" not in exporter.log
