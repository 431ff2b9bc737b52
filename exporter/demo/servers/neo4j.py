"""A real Neo4j Community server on loopback, for the demo and the tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from neo4j import GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from exporter.demo.servers.neo4j_jars import LTS, VERSION, Release, jars, java, missing
from exporter.demo.servers.process import (
    Process,
    hand_over,
)
from exporter.demo.servers.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["VERSION", "Neo4jServer", "missing"]

_START_PATIENCE = 120.0
_FIRST_PASSWORD = "neo4j"  # noqa: S105 - what every new Neo4j has, replaced at once
# Without perf data, a JVM that was killed leaves no file in the temporary folder.
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
_SETTINGS = {
    "server.default_listen_address": "127.0.0.1",
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "server.memory.pagecache.size": "64m",
    "db.tx_log.preallocate": "false",
    "dbms.usage_report.enabled": "false",
    "client.allow_telemetry": "false",
    # Without it every stop waits 10 s for new messages on ports that are closed.
    "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
}


class Neo4jServer(Server):
    """One server with its data in `folder`, on the same port as long as it is used.

    `settings` are lines of neo4j.conf. The first start takes 6-20 s and sets the
    password. A failure to start is a ServerError that holds the end of the log.
    """

    product = "Neo4j"
    user = "neo4j"
    heap = "512m"

    def __init__(
        self,
        folder: Path,
        *,
        password: str = "kpi-exporter-demo",  # noqa: S107 - of a throw-away server
        settings: Mapping[str, str] | None = None,
        release: Release = LTS,
    ) -> None:
        """Choose the port; nothing is fetched or started yet."""
        super().__init__(folder, settings)
        self.password = password
        self.release = release
        self._fresh = not (folder / "data").exists()

    @property
    def uri(self) -> str:
        """The address for clients; user and password are apart."""
        return f"bolt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on its old port if it ran before, and wait for its first answer."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it without waiting: it is then starting up for some seconds."""
        library = jars(self.release)
        for folder in (
            self.folder,
            *(self.folder / n for n in ("conf", "data", "logs")),
        ):
            hand_over(folder)
        address = f"127.0.0.1:{self.port}"
        settings = {
            **_SETTINGS,
            "server.bolt.listen_address": address,
            "server.bolt.advertised_address": address,
            **self.settings,
        }
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.folder / "conf" / "neo4j.conf").write_text(text, "utf-8")
        self._process = Process(
            [
                java(self.release) or "java",
                f"-Xmx{self.heap}",
                *_JVM,
                "-cp",
                f"{library}/*",
                self.release.main,
                f"--home-dir={self.folder}",
                f"--config-dir={self.folder / 'conf'}",
                "--console-mode",
            ],
            self.folder / "neo4j.out",
        )

    def wait(self) -> None:
        """Wait until a query is answered; raises ServerError when none is."""
        ready = self._takes_password if self._fresh else self._answers
        self.process.wait_until(ready, _START_PATIENCE)
        self._fresh = False
        self.process.wait_until(self._answers, _START_PATIENCE)

    def _takes_password(self) -> bool:
        text = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
        parameters = {"old": _FIRST_PASSWORD, "new": self.password}
        return self._ask(_FIRST_PASSWORD, "system", text, parameters)

    def _answers(self) -> bool:
        return self._ask(self.password, "neo4j", "RETURN 1", {})

    def _ask(
        self, password: str, database: str, text: str, parameters: dict[str, str]
    ) -> bool:
        """Tell whether a query is answered; late counts, with an error does not."""
        login = (self.user, password)
        try:
            with (
                GraphDatabase.driver(
                    self.uri, auth=login, telemetry_disabled=True
                ) as driver,
                driver.session(database=database) as session,
            ):
                session.run(text, parameters).consume()
        except (DriverError, Neo4jError):
            time.sleep(0.1)
            return False
        return True
