"""As much of D-Bus as it takes to ask systemd: calls with strings, and replies."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALL, _REPLY, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME = 1, 2, 3, 4
_REPLY_SERIAL, _DESTINATION, _SIGNATURE = 5, 6, 8
_TYPES = {_PATH: "o", _SIGNATURE: "g"}  # of header fields; the others are strings
_FIXED = struct.Struct("<4B2I")
_WORD = struct.Struct("<I")
_BLOCK = 65536
_MOST = 16 * 2**20  # bytes of one message; the lists of units are far smaller


class Call(NamedTuple):
    """A method of an object, and its arguments, which are strings."""

    destination: str
    path: str
    interface: str
    member: str
    arguments: tuple[str, ...] = ()


class Reply(NamedTuple):
    """What a call gave: the body of the answer, or the name of the error."""

    body: bytes
    error: str = ""


class Reader:
    """Takes values from a body, in little-endian order, each at its alignment."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        """Begin at a place in the data."""
        self._data = data
        self.at = at

    def word(self) -> int:
        """Take an unsigned number of 32 bits."""
        self.align(4)
        self.at += 4
        value: int = _WORD.unpack_from(self._data, self.at - 4)[0]
        return value

    def string(self) -> str:
        """Take a string or an object's path."""
        return self._text(self.word())

    def signature(self) -> str:
        """Take a signature."""
        self.at += 1
        return self._text(self._data[self.at - 1])

    def array(self, alignment: int) -> Iterator[None]:
        """Yield as long as there are elements; each is to be taken then."""
        end = self.word()
        self.align(alignment)
        end += self.at
        while self.at < end:
            yield
            self.align(alignment)

    def align(self, size: int) -> None:
        """Skip the padding."""
        self.at += -self.at % size

    def _text(self, length: int) -> str:
        start, self.at = self.at, self.at + length + 1
        return self._data[start : start + length].decode("utf-8", "replace")


class Bus:
    """A connection to a bus, or to one program that speaks as a bus does."""

    def __init__(self, path: str, timeout: float) -> None:
        """Connect and log in as our own user; raises OSError."""
        self._serial = 0
        self._waiting = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
            self._log_in(path)
        except BaseException:
            self._socket.close()
            raise

    def _log_in(self, path: str) -> None:
        user = str(os.getuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {user}\r\n".encode())
        if not self._socket.recv(_BLOCK).startswith(b"OK"):
            raise PermissionError(13, "the bus refuses our user", path)
        self._socket.sendall(b"BEGIN\r\n")

    def __enter__(self) -> Self:
        """Serve a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._socket.close()

    def ask(self, *calls: Call) -> list[Reply]:
        """Send all calls at once and return their replies in the same order."""
        serials = []
        sent = b""
        for call in calls:
            self._serial += 1
            serials.append(self._serial)
            sent += message(call, self._serial)
        self._socket.sendall(sent)
        found: dict[int, Reply] = {}
        while len(found) < len(serials):
            serial, reply = self._next()
            if serial in serials:
                found[serial] = reply
        return [found[serial] for serial in serials]

    def _next(self) -> tuple[int, Reply]:
        """Take the next message; 0 stands for one that answers no call."""
        head = self._exactly(_FIXED.size + _WORD.size)
        _, kind, _, _, length, _ = _FIXED.unpack_from(head)
        fields_length = _WORD.unpack_from(head, _FIXED.size)[0]
        padded = fields_length + -fields_length % 8
        if padded + length > _MOST:
            raise ValueError("a message of D-Bus is too long")
        rest = self._exactly(padded + length)
        fields = _fields(head + rest)
        if kind not in (_REPLY, _ERROR):
            return 0, Reply(b"")
        error = str(fields.get(_ERROR_NAME, "")) if kind == _ERROR else ""
        return int(fields.get(_REPLY_SERIAL, 0)), Reply(rest[padded:], error)

    def _exactly(self, size: int) -> bytes:
        while len(self._waiting) < size:
            more = self._socket.recv(_BLOCK)
            if not more:
                raise ConnectionResetError(104, "the bus hung up")
            self._waiting += more
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken


def message(call: Call, serial: int) -> bytes:
    """Write a call as D-Bus wants it."""
    fields = {
        _PATH: call.path,
        _INTERFACE: call.interface,
        _MEMBER: call.member,
        _DESTINATION: call.destination,
    }
    if call.arguments:
        fields[_SIGNATURE] = "s" * len(call.arguments)
    written = b""
    for code, value in fields.items():
        written += b"\0" * (-len(written) % 8)
        kind = _TYPES.get(code, "s")
        text = signature(value) if kind == "g" else string(value)
        written += bytes([code]) + signature(kind) + text
    body = b""
    for argument in call.arguments:
        body += b"\0" * (-len(body) % 4) + string(argument)
    head = _FIXED.pack(ord("l"), _CALL, 0, 1, len(body), serial)
    padding = b"\0" * (-len(written) % 8)
    return head + _WORD.pack(len(written)) + written + padding + body


def string(text: str) -> bytes:
    """Write a string, which must begin at a multiple of four."""
    data = text.encode()
    return _WORD.pack(len(data)) + data + b"\0"


def signature(text: str) -> bytes:
    """Write a signature."""
    return bytes([len(text)]) + text.encode() + b"\0"


def _fields(data: bytes) -> dict[int, int | str]:
    reader = Reader(data, _FIXED.size)
    found: dict[int, int | str] = {}
    for _ in reader.array(8):
        code = data[reader.at]
        reader.at += 1
        kind = reader.signature()
        if kind == "u":
            found[code] = reader.word()
        else:
            found[code] = reader.signature() if kind == "g" else reader.string()
    return found
