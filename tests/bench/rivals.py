"""The established exporters, as Debian packages them, against the same servers."""

from __future__ import annotations

import shutil
import socket
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.servers.process import Process, ServerError, free_port
from tests.prepare import Need

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.bench.world import World

POSTGRES, REDIS, NODE = (
    f"prometheus-{name}-exporter" for name in ("postgres", "redis", "node")
)
NEEDS = tuple(Need(name, name, "a comparison") for name in (POSTGRES, REDIS, NODE))
_START_PATIENCE = 20.0
_ANSWER_PATIENCE = 30.0
_HEADERS = {"Accept-Encoding": "gzip"}
# What the collector stat_statements of later releases asks for; this one has none yet.
_STATEMENTS = """
pg_stat_statements:
  query: >
    SELECT pg_get_userbyid(userid) AS "user", datname, queryid, calls AS calls_total,
      total_exec_time / 1000 AS seconds_total, rows AS rows_total,
      shared_blk_read_time / 1000 AS block_read_seconds_total,
      shared_blk_write_time / 1000 AS block_write_seconds_total
    FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
    WHERE total_exec_time > (SELECT percentile_cont(0.1)
      WITHIN GROUP (ORDER BY total_exec_time) FROM pg_stat_statements)
    ORDER BY seconds_total DESC LIMIT 100
  metrics:
    - user: {usage: LABEL, description: user}
    - datname: {usage: LABEL, description: database}
    - queryid: {usage: LABEL, description: query id}
    - calls_total: {usage: COUNTER, description: calls}
    - seconds_total: {usage: COUNTER, description: seconds}
    - rows_total: {usage: COUNTER, description: rows}
    - block_read_seconds_total: {usage: COUNTER, description: seconds}
    - block_write_seconds_total: {usage: COUNTER, description: seconds}
"""


class Rival(NamedTuple):
    """One running exporter of others, with a connection to it."""

    name: str
    pid: int
    connection: HTTPConnection

    def scrape(self) -> bytes:
        """Ask for the page as Prometheus does; returns it compressed."""
        self.connection.request("GET", "/metrics", headers=_HEADERS)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != HTTPStatus.OK:
            raise ServerError(f"{self.name} answers {answer.status}: {body[:500]!r}")
        return body


class Rivals:
    """Those of the three that are installed, running until the end of `with`.


    `names` are those that are wanted; `port` is that of a proxy before PostgreSQL;
    `options` are added to the command of each.
    """

    def __init__(
        self,
        world: World,
        names: Collection[str] = (POSTGRES, REDIS, NODE),
        *,
        port: int | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self._world = world
        self._wanted = world.present & {*names}
        self._port = port
        self._options = options
        self._stack = ExitStack()

    def __enter__(self) -> list[Rival]:
        commands = {POSTGRES: self._postgres, REDIS: self._redis, NODE: self._node}
        return [
            self._start(name, *commands[name]())
            for name in commands
            if name in self._wanted
        ]

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _postgres(self) -> tuple[list[str], dict[str, str]]:
        queries = self._world.folder / "queries.yaml"
        queries.write_text(_STATEMENTS, "utf-8")
        dsn = f"{self._world.postgres_target(self._port)['dsn']}?sslmode=disable"
        return [f"--extend.query-path={queries}"], {"DATA_SOURCE_NAME": dsn}

    def _redis(self) -> tuple[list[str], dict[str, str]]:
        url = self._world.redis_target()["url"]
        return [f"-redis.addr={url}"], {}

    def _node(self) -> tuple[list[str], dict[str, str]]:
        return [], {}

    def _start(
        self, name: str, options: list[str], environment: dict[str, str]
    ) -> Rival:
        port = free_port()
        address = f"--web.listen-address=127.0.0.1:{port}"
        process = Process(
            [shutil.which(name) or name, address, *options, *self._options],
            self._world.folder / f"{name}.log",
            environment=environment,
            as_ourselves=True,
        )
        self._stack.callback(process.stop)
        process.wait_until(partial(_listens, port), _START_PATIENCE)
        connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_PATIENCE)
        self._stack.callback(connection.close)
        return Rival(name, process.pid, connection)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
