"""A program that answers on D-Bus as systemd does, beside a bus or without one.

systemd itself runs a machine and nothing else, hence this stand-in; the bus that it is
reached over in tests is a real one.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

from exporter.sources.host_dbus import Reader, signature, string

if TYPE_CHECKING:
    from pathlib import Path


class Fake(NamedTuple):
    """A unit as the stand-in lists it."""

    name: str
    state: str
    load: str = "loaded"
    type: str = "simple"
    restarts: int = 0


class Systemd:
    """Listens where systemd does below a root, and answers one caller at a time.

    With `error` it refuses to list; with `silent` it never answers.
    """

    def __init__(
        self,
        root: Path,
        units: list[Fake],
        *,
        error: str = "",
        silent: bool = False,
    ) -> None:
        (root / "run/systemd/system").mkdir(parents=True)
        self._units, self._error, self._silent = units, error, silent
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(root / "run/systemd/private"))
        self._socket.listen()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in self._open:
            one.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                self._open.append(caller)
                with contextlib.suppress(OSError):
                    self._talk(caller)

    def _talk(self, caller: socket.socket) -> None:
        assert caller.recv(1000).startswith(b"\0AUTH EXTERNAL ")
        if self._silent:
            return
        caller.sendall(b"OK 0123456789abcdef\r\n")
        data = b""
        while not data.startswith(b"BEGIN\r\n"):
            data += caller.recv(1000)
        data = data.removeprefix(b"BEGIN\r\n")
        while True:
            while (size := _size(data)) is None or len(data) < size:
                more = caller.recv(65536)
                if not more:
                    return
                data += more
            caller.sendall(self._answer(data[:size]))
            data = data[size:]

    def _answer(self, call: bytes) -> bytes:
        serial = struct.unpack_from("<I", call, 8)[0]
        if b"ListUnits" in call:
            if self._error:
                return _message(3, serial, b"", self._error)
            return _message(2, serial, _listing(self._units))
        body = call[-struct.unpack_from("<I", call, 4)[0] :]
        reader = Reader(body)
        _, name = reader.string(), reader.string()
        unit = next(
            u for u in self._units if f"/{u.name.encode().hex()}\0".encode() in call
        )
        if name == "Type":
            return _message(2, serial, signature("s") + b"\0" + string(unit.type))
        return _message(
            2, serial, signature("u") + b"\0" + struct.pack("<I", unit.restarts)
        )


def _size(data: bytes) -> int | None:
    if len(data) < 16:
        return None
    body, _, fields = struct.unpack_from("<3I", data, 4)
    return int(16 + fields + -fields % 8 + body)


def _listing(units: list[Fake]) -> bytes:
    body = b"\0" * 8
    for unit in units:
        body += b"\0" * (-len(body) % 8)
        path = f"/unit/{unit.name.encode().hex()}"
        for text in (unit.name, "what it is", unit.load, unit.state, "sub", "", path):
            body += b"\0" * (-len(body) % 4) + string(text)
        body += b"\0" * (-len(body) % 4) + struct.pack("<I", 0)
        for text in ("", "/"):
            body += b"\0" * (-len(body) % 4) + string(text)
    return struct.pack("<I", len(body) - 8) + body[4:]


def _message(kind: int, serial: int, body: bytes, error: str = "") -> bytes:
    fields = bytes([5]) + signature("u") + struct.pack("<I", serial)
    if error:
        fields += bytes([4]) + signature("s") + string(error)
    head = struct.pack("<4B2I", ord("l"), kind, 0, 1, len(body), 1)
    padding = b"\0" * (-len(fields) % 8)
    return head + struct.pack("<I", len(fields)) + fields + padding + body
