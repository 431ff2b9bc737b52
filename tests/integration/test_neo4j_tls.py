"""A Neo4j server that requires TLS, asked without it and with it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from exporter.collectors import neo4j_server as server_collector
from exporter.demo.servers.neo4j import Neo4jServer
from exporter.demo.servers.process import hand_over
from exporter.errors import Reason
from tests.integration.exporter_process import open_folder
from tests.integration.neo4j_fixtures import (
    collect,
    failure,
    reading,
    running,
    write_password,
)
from tests.integration.web_support import certify

if TYPE_CHECKING:
    from pathlib import Path


class Secured(Neo4jServer):
    """A server whose own readiness is asked for by TLS."""

    @property
    def uri(self) -> str:
        return super().uri.replace("bolt://", "bolt+ssc://")


def secured(folder: Path) -> Secured:
    """Make a server with a certificate that it has signed itself."""
    home = folder / "neo4j"
    settings = {
        "server.bolt.tls_level": "REQUIRED",
        "dbms.ssl.policy.bolt.enabled": "true",
        "dbms.ssl.policy.bolt.base_directory": str(home / "certificates"),
        "dbms.ssl.policy.bolt.private_key": "server.key",
        "dbms.ssl.policy.bolt.public_certificate": "server.crt",
    }
    server = Secured(home, password="right-password", settings=settings)
    certificates = home / "certificates"
    hand_over(home)
    hand_over(certificates)
    for path in certify(certificates, "server", "IP:127.0.0.1", None):
        path.chmod(0o644)
    return server


async def test_tls_that_is_required_is_told_and_used() -> None:
    with open_folder() as folder:
        server = secured(folder)
        write_password(server, server.password)
        with running(server):
            async with reading(server, uri=f"bolt://127.0.0.1:{server.port}") as source:
                plain = await failure(source)
            async with reading(
                server, uri=f"bolt+s://127.0.0.1:{server.port}"
            ) as source:
                unknown = await failure(source)
            async with reading(server) as source:
                found = await collect(source, server_collector.COLLECTOR)
        shutil.rmtree(server.folder)
    assert (plain.reason, plain.fix) == (
        Reason.CONNECT,
        "bolt+s:// if it requires TLS",
    ), str(plain)
    assert unknown.reason is Reason.CONNECT
    assert "certificate" in str(unknown)
    assert len(found["neo4j_info"]) == 1
