"""End to end: targets that were never there, all of them in one process."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.postgres_binaries import from_maven
from exporter.demo.servers.process import free_port
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import TOKEN, ExporterProcess, Page, open_folder
from tests.integration.verdicts import (
    HOST,
    SCRAPE,
    SOON,
    TIMES,
    latest,
    polled_after,
    targets,
    tells_no_secret,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


NOWHERE = "no-such-host.invalid"
REASONS = {
    "redis-wrong-password": "auth",
    "redis-no-password": "auth",
    "redis-secret-missing": "auth",
    "redis-no-host": "connect",
    "redis-refused": "connect",
    "redis-mute": "timeout",
    "redis-other-protocol": "protocol",
    "postgres-wrong-password": "auth",
    "postgres-no-password": "auth",
    "postgres-no-role": "auth",
    "postgres-no-database": "connect",
    "postgres-no-host": "connect",
    "postgres-refused": "connect",
    "postgres-mute": "timeout",
    "postgres-other-protocol": "protocol",
    "neo4j-no-host": "connect",
    "neo4j-refused": "connect",
    "neo4j-mute": "timeout",
    "neo4j-other-protocol": "protocol",
}
HEALTHY = {"redis-healthy", "postgres-healthy", *HOST}


class World(NamedTuple):
    """The process, and the ports of the real servers and of the one that is mute."""

    exporter: ExporterProcess
    ports: Ports


class Ports(NamedTuple):
    """Where targets point: real servers, nothing, one that is mute, a mail server."""

    redis: int
    postgres: int
    gone: int
    mute: int
    mail: int


class Mail(socketserver.BaseRequestHandler):
    """Greets as a mail server does, whoever connects, and waits for them to go."""

    def handle(self) -> None:
        self.request.sendall(b"220 mail.example ESMTP\r\n")
        while self.request.recv(1000):
            pass


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        redis = RedisServer(folder / "redis", password=TOKEN)
        postgres = PostgresServer(
            folder / "postgres", installation=from_maven(16), password=TOKEN
        )
        for server in (redis, postgres):
            stack.callback(server.stop)
            server.start()
        with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
            owner.execute("create extension pg_stat_statements")
        mute = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        mail = stack.enter_context(mail_server())
        ports = Ports(
            redis.port, postgres.port, free_port(), mute.getsockname()[1], mail
        )
        exporter = ExporterProcess(folder / "exporter", config_of(folder, ports))
        stack.enter_context(exporter)
        exporter.wait_for(decided, SOON + 2)
        yield World(exporter, ports)


@contextlib.contextmanager
def mail_server() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def config_of(folder: Path, ports: Ports) -> dict[str, Any]:
    (folder / "wrong").write_text(f"wrong-{TOKEN}")
    wrong = {"password_file": str(folder / "wrong")}
    missing = {"password_file": str(folder / "missing")}
    kinds = {
        "redis": redis_targets(ports, wrong, missing),
        "postgres": postgres_targets(ports, wrong),
        "neo4j": neo4j_targets(ports, wrong),
    }
    named = {
        kind: {f"{kind}-{name}": {**target, **TIMES} for name, target in found.items()}
        for kind, found in kinds.items()
    }
    return {**named, "host": HOST}


Targets = dict[str, dict[str, Any]]


def redis_targets(
    ports: Ports, wrong: dict[str, str], missing: dict[str, str]
) -> Targets:
    bare = f"redis://127.0.0.1:{ports.redis}"
    url = f"redis://:{TOKEN}@127.0.0.1"
    return {
        "healthy": {"url": f"{url}:{ports.redis}"},
        "wrong-password": {"url": bare, **wrong},
        "no-password": {"url": bare},
        "secret-missing": {"url": bare, **missing},
        "no-host": {"url": f"redis://:{TOKEN}@{NOWHERE}"},
        "refused": {"url": f"{url}:{ports.gone}"},
        "mute": {"url": f"{url}:{ports.mute}"},
        "other-protocol": {"url": f"{url}:{ports.mail}"},
    }


def postgres_targets(ports: Ports, wrong: dict[str, str]) -> Targets:
    bare = f"postgresql://postgres@127.0.0.1:{ports.postgres}"
    dsn = f"postgresql://postgres:{TOKEN}@127.0.0.1"
    nobody = f"postgresql://nobody:{TOKEN}@127.0.0.1:{ports.postgres}/postgres"
    return {
        "healthy": {"dsn": f"{dsn}:{ports.postgres}/postgres"},
        "wrong-password": {"dsn": bare, **wrong},
        "no-password": {"dsn": bare},
        "no-role": {"dsn": nobody},
        "no-database": {"dsn": f"{dsn}:{ports.postgres}/nowhere"},
        "no-host": {"dsn": f"postgresql://postgres:{TOKEN}@{NOWHERE}"},
        "refused": {"dsn": f"{dsn}:{ports.gone}"},
        "mute": {"dsn": f"{dsn}:{ports.mute}"},
        "other-protocol": {"dsn": f"{dsn}:{ports.mail}"},
    }


def neo4j_targets(ports: Ports, wrong: dict[str, str]) -> Targets:
    login = {"user": "neo4j", **wrong}
    return {
        "no-host": {"uri": f"bolt://{NOWHERE}", **login},
        "refused": {"uri": f"bolt://127.0.0.1:{ports.gone}", **login},
        "mute": {"uri": f"bolt://127.0.0.1:{ports.mute}", **login},
        "other-protocol": {"uri": f"bolt://127.0.0.1:{ports.mail}", **login},
    }


def decided(page: Page) -> bool:
    """Whether every target was polled: some work, the others have a reason."""
    return all(page.works(name) or page.failures(name) for name in targets(page))


@pytest.mark.parametrize("target", REASONS)
def test_a_target_that_is_not_there_has_a_reason_and_no_data(
    target: str, world: World
) -> None:
    page = world.exporter.page()

    assert page.up(target) == 0
    assert set(page.failures(target)) == {REASONS[target]}
    success = page.samples("kpi_exporter_collector_success", target=target)
    assert {value for _, value in success} == {0.0}
    assert page.data(target) == set()


def test_the_status_page_shows_every_reason(world: World) -> None:
    text = world.exporter.get("/").text

    down, all_ = len(REASONS), len(REASONS) + len(HEALTHY)
    assert f"<h1>{all_} targets: {down} down</h1>" in text
    for target, reason in REASONS.items():
        _, _, about = text.partition(f"<b>{target}</b>")
        assert f"<b>{reason}</b>" in about.partition("</details>")[0], target


def test_the_others_work_and_scrapes_are_quick(world: World) -> None:
    page = world.exporter.page()

    assert {name for name in targets(page) if page.works(name)} == HEALTHY
    assert world.exporter.scrape_seconds() < SCRAPE
    for name in HEALTHY:
        polled_after(world.exporter, name, latest(page, name))


def test_attempts_leave_nothing_behind(world: World) -> None:
    """While each target is tried several times, as its back-off allows."""
    exporter, ports = world
    before = exporter.rss
    name = "redis-wrong-password"
    exporter.wait_for(lambda page: page.failures(name)["auth"] > 20, 15)

    assert exporter.connections(ports.mute) <= 3
    assert exporter.connections(ports.redis) <= 1 + 3
    assert exporter.connections(ports.postgres) <= 1 + 4
    assert exporter.rss - before < 15_000_000


def test_one_line_of_the_log_tells_of_each_target_and_none_of_secrets(
    world: World,
) -> None:
    lines = [line for line in world.exporter.log.splitlines() if "poll failed" in line]

    told = sorted(line.split(" target=")[1].split()[0] for line in lines)
    assert told == sorted(REASONS)
    tells_no_secret(world.exporter)
