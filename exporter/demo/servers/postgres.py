"""A real PostgreSQL server on loopback, for the demo and the tests."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil

from exporter.demo.servers.postgres_binaries import from_wheel, readable
from exporter.demo.servers.process import (
    Process,
    ServerError,
    hand_over,
    identity,
    unprivileged,
)
from exporter.demo.servers.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_INIT_PATIENCE = 120.0
_START_PATIENCE = 60.0
_STARTUP = b"\0\3\0\0user\0probe\0database\0template1\0\0"
_AUTHENTICATION = b"R"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "track_io_timing": "on",
    "fsync": "off",
    "full_page_writes": "off",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
}


class PostgresServer(Server):
    """One server with its data in `folder`, on the same port as long as it is used.

    `installation` holds `bin`, `lib` and `share`: `from_wheel()` unless told otherwise,
    or `from_maven(major)`. `settings` are lines of postgresql.conf. Its data do not
    survive a crash of the machine (fsync is off). A failure is a ServerError that
    holds the end of the log.
    """

    product = "PostgreSQL"
    user = "postgres"

    def __init__(
        self,
        folder: Path,
        *,
        installation: Path | None = None,
        password: str = "postgres",  # noqa: S107 - of a throw-away server on loopback
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Choose the port, which may be set anew before the start; write nothing."""
        super().__init__(folder, settings)
        self.password = password
        self._installation = installation

    @property
    def programs(self) -> Path:
        """The folder of `initdb`, `postgres` and, from the wheel, `psql` and `pgbench`.

        A copy in `folder` when the originals are closed to the server's user.
        """
        original = self._installation or from_wheel()
        if readable(original / "bin" / "postgres"):
            return original / "bin"
        copy = self.folder / "postgres"
        if not copy.exists():
            shutil.copytree(original, copy, symlinks=True)
        return copy / "bin"

    def dsn(self, database: str = "postgres", user: str | None = None) -> str:
        """Return a URL with the password of the superuser, whoever the user is."""
        login = f"{quote(user or self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Start it, with its old data and port if it ran before, and wait for it."""
        hand_over(self.folder)
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data)
        options = [
            f"--{name}={value}"
            for name, value in {
                **_SETTINGS,
                "port": str(self.port),
                **self.settings,
            }.items()
        ]
        self._process = Process(
            [str(self.programs / "postgres"), "-D", str(data), *options],
            self.folder / "postgres.log",
        )
        atexit.register(self.stop)
        self._process.wait_until(self._answers, _START_PATIENCE)

    def stop(self) -> None:
        """End it in good order without waiting for clients; not running is no error."""
        if self._process is not None:
            self.resume()
            self._process.stop(signal.SIGINT)
        atexit.unregister(self.stop)

    def pause(self) -> None:
        """Freeze it: the kernel accepts connections, nothing is answered."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server run on."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would; `start` brings it back."""
        self._send(signal.SIGKILL)
        self.process.kill()

    def _send(self, number: signal.Signals) -> None:
        """Signal the postmaster, then its children: each leads a session of its own."""
        if not self.process.alive:
            return
        try:
            postmaster = psutil.Process(self.process.pid)
            postmaster.send_signal(number)
            children = postmaster.children(recursive=True)
        except psutil.NoSuchProcess:
            return
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(number)
        if number == signal.SIGKILL:
            psutil.wait_procs(children, timeout=_START_PATIENCE)

    def _initialise(self, data: Path) -> None:
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if owner := unprivileged():
            os.chown(secret, *owner)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [str(self.programs / "initdb"), "-D", str(data), *options]
        done = subprocess.run(
            [*command, "-U", self.user, f"--pwfile={secret}"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_INIT_PATIENCE,
            **identity(),
        )
        secret.unlink()
        if done.returncode != 0:
            raise ServerError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        """Tell whether it asks for a password: one that starts up refuses instead."""
        hello = struct.pack("!i", len(_STARTUP) + 4) + _STARTUP
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(hello)
                return probe.recv(1) == _AUTHENTICATION
        except OSError:
            return False
