"""Reading real Redis and Valkey servers, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter import collectors
from exporter.collector import SourceKind
from exporter.demo.servers.redis import RedisServer, from_path
from exporter.errors import Reason, SourceError
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    admin,
    failure,
    info,
    our_connections,
    reading,
    running,
    tell,
)
from tests.integration.web_support import until
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLLECTORS = collectors.load(SourceKind.REDIS)


async def test_info_is_read_on_one_named_connection(redis_server: RedisServer) -> None:
    async with reading(redis_server.url) as source:
        for _ in range(3):
            await source.connect(5)
            fields = await source.run(info, 5)
        with admin(redis_server) as client:
            assert our_connections(client) == 1
        assert fields["tcp_port"] == str(redis_server.port)
        assert source.connections == 1
        assert source.queries == 2 + 3
        assert source.seconds > 0
    assert source.connections == 0
    with admin(redis_server) as client:
        await until(lambda: our_connections(client) == 0)


async def test_sections_beside_the_default_ones_are_read_one_by_one(
    redis_server: RedisServer,
) -> None:
    async with reading(redis_server.url) as source:
        await source.connect(5)
        fields = await source.run(lambda s: s.info("commandstats"), 5)
    assert "cmdstat_ping" in fields
    assert {"cmdstat_client|setname", "cmdstat_client"} & fields.keys()


async def test_a_read_before_connecting_is_refused() -> None:
    async with reading("redis://127.0.0.1:1") as source:
        with pytest.raises(SourceError) as caught:
            await source.run(info, 5)
    assert caught.value.reason is Reason.CONNECT


async def test_a_password_in_a_file_is_read_at_each_connect(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER default resetpass >hush-4711")
    file.write_text("hush-4711\n")
    async with reading(redis_server.url, password_file=str(file)) as source:
        await source.connect(5)
        with admin(redis_server, password="hush-4711") as client:
            tell(client, "ACL SETUSER default resetpass >hush-4712")
            await asyncio.to_thread(client.client_kill_filter, skipme=True)
            file.write_text("hush-4712\n")
            await source.connect(5)
            tell(client, "ACL SETUSER default nopass")
        assert await source.run(info, 5) != {}


async def test_a_user_and_password_in_the_url_are_decoded(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER an@a on >p/%@:ü +ping +info")
    url = f"redis://an%40a:p%2F%25%40%3A%C3%BC@127.0.0.1:{redis_server.port}"
    async with reading(url) as source:
        await source.connect(5)
        assert await source.run(info, 5) != {}


async def test_a_user_without_password_logs_in(redis_server: RedisServer) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER bob on nopass +info")
    async with reading(redis_server.url, user="bob") as source:
        await source.connect(5)
        assert await source.run(info, 5) != {}


async def test_the_deployed_user_may_do_all_that_the_collectors_do(
    redis_server: RedisServer,
) -> None:
    line = (ROOT / "deploy/redis.acl").read_text().splitlines()[-1]
    rules = line.removeprefix("user ").replace("CHANGE-ME", "hush-4711")
    with admin(redis_server) as client:
        tell(client, f"ACL SETUSER {rules}")
    url = f"redis://kpi-exporter:hush-4711@127.0.0.1:{redis_server.port}"
    async with reading(url) as source:
        await source.connect(5)
        for collector in COLLECTORS:
            await source.run(collector.read, 5)
        await source.run(lambda s: s.execute("PING"), 5)
        with pytest.raises(SourceError) as caught:
            await source.run(lambda s: s.execute("GET", "a"), 5)
        with admin(redis_server) as client:
            assert our_connections(client) == 1
    assert caught.value.reason is Reason.PERMISSION


def test_the_deployed_acl_file_is_taken_by_the_server() -> None:
    with open_folder() as folder:
        file = folder / "kpi-exporter.acl"
        file.write_text((ROOT / "deploy/redis.acl").read_text())
        server = RedisServer(folder / "data", settings={"include": str(file)})
        with running(server), admin(server) as client:
            assert "kpi-exporter" in client.acl_users()


async def test_a_socket_file_is_an_address_too() -> None:
    with open_folder() as folder:
        server = RedisServer(
            folder / "data",
            password="hush-4711",
            settings={"unixsocket": "redis.sock", "unixsocketperm": "777"},
        )
        with running(server):
            socket = server.folder / "redis.sock"
            async with reading(f"unix://:hush-4711@{socket}") as source:
                await source.connect(5)
                assert await source.run(info, 5) != {}
            async with reading(f"unix://{socket}") as source:
                with pytest.raises(SourceError) as caught:
                    await source.connect(5)
    assert (caught.value.reason, str(caught.value)) == (
        Reason.AUTH,
        f"{socket} wants a password",
    )


@pytest.fixture(scope="module")
def tls_server() -> Iterator[RedisServer]:
    """Run a server on TLS whose certificate it has signed itself."""
    with open_folder() as folder:
        data = folder / "data"
        data.mkdir()
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", data / "key.pem", "-out", data / "cert.pem"),
            ],
            check=True,
            capture_output=True,
        )
        (data / "key.pem").chmod(0o644)
        server = RedisServer(
            data,
            binary=from_path(),
            settings={
                "tls-port": "0",
                "tls-cert-file": "cert.pem",
                "tls-key-file": "key.pem",
                "tls-ca-cert-file": "cert.pem",
                "tls-auth-clients": "no",
            },
        )
        with running(server):
            with admin(server) as client:
                client.config_set("port", 0)
                client.config_set("tls-port", server.port)
            yield server


async def test_tls_with_a_known_authority_is_read(tls_server: RedisServer) -> None:
    authority = tls_server.folder / "cert.pem"
    url = f"rediss://127.0.0.1:{tls_server.port}?ssl_ca_certs={authority}"
    async with reading(url) as source:
        await source.connect(5)
        assert await source.run(info, 5) != {}


@pytest.mark.parametrize("login", ["", ":hush-4711@"])
async def test_a_server_of_tls_alone_that_is_asked_without_says_so(
    tls_server: RedisServer, login: str
) -> None:
    found = await failure(f"redis://{login}127.0.0.1:{tls_server.port}")
    assert found.reason is Reason.CONNECT
    assert "hangs up before it has answered" in str(found)
    assert found.fix == "if it takes TLS alone, write rediss:// in the url"


async def test_a_server_without_tls_that_is_asked_by_it_is_hinted_at(
    redis_server: RedisServer,
) -> None:
    found = await failure(f"rediss://127.0.0.1:{redis_server.port}")

    assert found.reason is Reason.TIMEOUT
    assert found.fix == "if it has no TLS there, write redis:// in the url"


async def test_a_frozen_tls_server_keeps_no_socket_of_ours(
    tls_server: RedisServer,
) -> None:
    authority = tls_server.folder / "cert.pem"
    url = f"rediss://127.0.0.1:{tls_server.port}?ssl_ca_certs={authority}"
    async with asyncio.timeout(10), reading(url) as source:
        await source.connect(5)
        assert sockets_to(tls_server.port) == 1
        tls_server.pause()
        try:
            with pytest.raises(SourceError) as caught:
                await source.run(info, 0.3)
            await asyncio.sleep(0.1)
            left = sockets_to(tls_server.port)
        finally:
            tls_server.resume()
    assert (caught.value.reason, left) == (Reason.TIMEOUT, 0)


def sockets_to(port: int) -> int:
    """Count the connections that this process has to a port."""
    found = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == port for one in found)


async def test_tls_with_an_unknown_authority_is_refused_with_the_remedy(
    tls_server: RedisServer,
) -> None:
    async with reading(f"rediss://127.0.0.1:{tls_server.port}") as source:
        with pytest.raises(SourceError) as caught:
            await source.connect(5)
        assert source.connections == 0
    place = f"127.0.0.1:{tls_server.port}"
    assert caught.value.reason is Reason.CONNECT
    assert str(caught.value).startswith(f"the certificate of {place} is not trusted")
    assert caught.value.fix == "add ?ssl_ca_certs=/path/to/ca.pem to the url"
