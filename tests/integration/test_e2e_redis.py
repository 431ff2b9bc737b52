"""End to end: what one process says when a Redis among its targets misbehaves."""

from __future__ import annotations

import socketserver
import threading
import time
from typing import TYPE_CHECKING

import pytest
import redis

from exporter.demo.servers.redis import RedisServer, from_wheel
from tests.integration.exporter_process import TOKEN, ExporterProcess, Page, open_folder
from tests.integration.verdicts import (
    HOST,
    RECOVERY,
    SOON,
    TIMES,
    down,
    healthy,
    new_reasons,
    polled_after,
    recovers,
    tells_no_secret,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PASSWORD = f"p/{TOKEN}%26"
ABOVE_DOUBLE = 2**53 + 1


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[list[RedisServer]]:
    """Start the one that tests harm, and one that must never notice."""
    settings = {
        "enable-debug-command": "yes",
        "loading-process-events-interval-bytes": "1024",
    }
    found = [
        RedisServer(folder / name, password=PASSWORD, settings=settings)
        for name in ("victim", "bystander")
    ]
    for server in found:
        server.start()
    yield found
    for server in found:
        server.stop()


@pytest.fixture
def victim(servers: list[RedisServer]) -> Iterator[RedisServer]:
    yield servers[0]
    servers[0].resume()


@pytest.fixture(scope="module")
def exporter(servers: list[RedisServer], folder: Path) -> Iterator[ExporterProcess]:
    urls = {"victim": servers[0].url, "bystander": servers[1].url}
    config = {
        "redis": {name: {"url": url, **TIMES} for name, url in urls.items()},
        "host": HOST,
    }
    with ExporterProcess(folder / "exporter", config) as process:
        yield process
        tells_no_secret(process)


def client(server: RedisServer) -> redis.Redis:
    return redis.Redis(port=server.port, password=server.password, protocol=2)


def ours(admin: redis.Redis) -> list[str]:
    """List the exporter's connections in the server, by its own addresses."""
    clients: list[dict[str, str]] = admin.client_list()
    return [entry["addr"] for entry in clients if entry["name"] == "kpi-exporter"]


def assert_one_connection(exporter: ExporterProcess, server: RedisServer) -> None:
    with client(server) as admin:
        assert len(ours(admin)) == 1
    assert exporter.connections(server.port) == 1


def is_valkey(page: Page) -> bool:
    found = page.samples("redis_instance_info", target="victim")
    return [labels["valkey_version"] != "" for labels, _ in found] == [True]


def is_redis(page: Page) -> bool:
    found = page.samples("redis_instance_info", target="victim")
    return [labels["valkey_version"] for labels, _ in found] == [""]


def test_a_frozen_server_is_down_for_timeout_and_comes_back(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    before = healthy(exporter)

    victim.pause()
    down(exporter, "victim", {"timeout"}, before)
    assert exporter.connections(victim.port) <= 1

    victim.resume()
    recovers(exporter, "victim")
    assert_one_connection(exporter, victim)


def test_a_killed_server_is_down_for_connect_and_comes_back(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    before = healthy(exporter)

    victim.kill()
    down(exporter, "victim", {"connect"}, before)
    assert exporter.connections(victim.port) == 0

    victim.start()
    recovers(exporter, "victim")
    assert_one_connection(exporter, victim)


def test_a_quick_restart_is_never_seen_as_down(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    before = healthy(exporter)

    victim.stop()
    victim.start()
    page = polled_after(exporter, "victim", time.time())

    assert new_reasons(page, "victim", before) == set()
    assert_one_connection(exporter, victim)


def test_another_version_on_the_same_port_is_recognised(
    exporter: ExporterProcess, victim: RedisServer, folder: Path
) -> None:
    healthy(exporter)

    victim.stop()
    other = RedisServer(folder / "valkey", binary=from_wheel(), password=PASSWORD)
    other.port = victim.port
    other.start()
    try:
        page = exporter.wait_for(is_valkey, SOON)
        assert page.works("victim")
        assert_one_connection(exporter, other)
    finally:
        other.stop()
        victim.start()
    exporter.wait_for(is_redis, RECOVERY)


def test_a_server_that_loads_its_data_is_starting(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    with client(victim) as admin:
        admin.execute_command("DEBUG", "POPULATE", 1500)
        admin.save()
    before = healthy(exporter)

    victim.stop()
    victim.settings["key-load-delay"] = "1000"
    victim.start()
    try:
        down(exporter, "victim", {"starting"}, before)
    finally:
        del victim.settings["key-load-delay"]

    page = recovers(exporter, "victim")
    assert page.value("redis_db_keys", target="victim", db="db0") == 1500
    assert_one_connection(exporter, victim)
    with client(victim) as admin:
        admin.flushall()


def test_a_server_without_a_free_client_is_down_for_limit(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    before = healthy(exporter)

    with client(victim) as admin:
        admin.config_set("maxclients", 1)
        try:
            for address in ours(admin):
                admin.client_kill(address)
            down(exporter, "victim", {"limit"}, before)
            assert ours(admin) == []
        finally:
            admin.config_set("maxclients", 100)

    recovers(exporter, "victim")
    assert_one_connection(exporter, victim)


def test_a_changed_password_is_down_for_auth(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    before = healthy(exporter)

    with client(victim) as admin:
        admin.config_set("requirepass", f"another{TOKEN}")
        try:
            for address in ours(admin):
                admin.client_kill(address)
            down(exporter, "victim", {"auth"}, before)
            assert ours(admin) == []
        finally:
            admin.config_set("requirepass", PASSWORD)

    recovers(exporter, "victim")
    assert_one_connection(exporter, victim)


def test_a_number_above_2_53_is_shown_in_full(
    exporter: ExporterProcess, victim: RedisServer
) -> None:
    with client(victim) as admin:
        admin.config_set("maxmemory", ABOVE_DOUBLE)
        line = f'\nredis_memory_max_bytes{{target="victim"}} {ABOVE_DOUBLE}\n'
        exporter.wait_for(lambda page: line in page.text, SOON)
        admin.config_set("maxmemory", 0)


class Odd(socketserver.StreamRequestHandler):
    """A Redis that says in INFO what no real one can be made to say."""

    info = (
        b"# Memory\r\nused_memory:nan\r\nmaxmemory:18446744073709551615\r\n"
        b"connected_clients:\r\nuptime_in_seconds:-inf\r\nblocked_clients:1\r\n"
        b'blocked_clients:2\r\nrole:mas\xffter"\\\r\ndb0:keys=x,expires=1\r\n:::\r\n'
    )

    def handle(self) -> None:
        while words := self.command():
            self.wfile.write(self.answer(*words))

    def answer(self, *words: bytes) -> bytes:
        """Speak of INFO as above, and have nothing to say otherwise."""
        match words:
            case b"INFO", *_:
                return b"$%d\r\n%s\r\n" % (len(self.info), self.info)
            case _, b"LEN":
                return b":0\r\n"
            case ((b"MEMORY" | b"SLOWLOG" | b"LATENCY" | b"ACL" | b"CONFIG"), *_):
                return b"*0\r\n"
        return b"+OK\r\n"

    def command(self) -> list[bytes]:
        """Read one command: an array of strings; nothing once the client has left."""
        count = int(self.rfile.readline()[1:] or 0)
        return [
            self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2]
            for _ in range(count)
        ]


def test_odd_values_are_left_out_or_shown_in_full(folder: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Odd) as odd:
        odd.daemon_threads = True
        threading.Thread(target=odd.serve_forever, daemon=True).start()
        url = f"redis://127.0.0.1:{odd.server_address[1]}"
        config = {"redis": {"odd": {"url": url, **TIMES}}}
        with ExporterProcess(folder / "odd", config) as exporter:
            page = exporter.wait_for(lambda page: page.works("odd"), SOON)
            tells_no_secret(exporter)
        odd.shutdown()

    assert f'redis_memory_max_bytes{{target="odd"}} {2**64 - 1}\n' in page.text
    assert page.value("redis_blocked_clients", target="odd") == 2
    (instance,) = page.samples("redis_instance_info", target="odd")
    assert instance[0]["role"] == 'mas\ufffdter"\\'
    shown = page.data("odd")
    assert "redis_memory_used_bytes" not in shown
    assert "redis_connected_clients" not in shown
    assert "redis_uptime_in_seconds" not in shown
