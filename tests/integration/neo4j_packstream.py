"""PackStream, the encoding of Bolt: as much of it as a test's own server needs."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple


class Struct(NamedTuple):
    """A message, or a value that is none of the plain ones, such as a duration."""

    tag: int
    fields: tuple[Any, ...]


def duration(seconds: float) -> Struct:
    """Make a duration of whole and parts of seconds."""
    return Struct(0x45, (0, 0, int(seconds), int(seconds % 1 * 1e9)))


def pack(value: Any) -> bytes:  # noqa: C901, PLR0911 - one case for each type
    """Encode a value."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return b"\xcb" + struct.pack(">q", value)
        case float():
            return b"\xc1" + struct.pack(">d", value)
        case str():
            data = value.encode()
            return b"\xd2" + struct.pack(">I", len(data)) + data
        case Struct():
            parts = b"".join(map(pack, value.fields))
            return bytes([0xB0 + len(value.fields), value.tag]) + parts
        case list():
            return b"\xd6" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
        case dict():
            pairs = b"".join(pack(k) + pack(v) for k, v in value.items())
            return b"\xda" + struct.pack(">I", len(value)) + pairs
    raise TypeError(type(value).__name__)


class Unpacker:
    """Reads values from the front of some bytes."""

    _INTEGERS = {0xC8: ">b", 0xC9: ">h", 0xCA: ">i", 0xCB: ">q"}  # noqa: RUF012 - a table
    _SIZES = {0: ">B", 1: ">H", 2: ">I"}  # noqa: RUF012 - a table

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self) -> Any:
        """Read one value."""
        marker = self._take(1)[0]
        high, low = marker & 0xF0, marker & 0x0F
        if marker < 0x80 or marker >= 0xF0:
            return marker if marker < 0x80 else marker - 0x100
        if high in (0x80, 0x90, 0xA0, 0xB0):
            return self._sized(high, low)
        if marker in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[marker]
        if marker == 0xC1:
            return self._number(">d")
        if marker in self._INTEGERS:
            return self._number(self._INTEGERS[marker])
        kinds = {0xD0: 0x80, 0xD4: 0x90, 0xD8: 0xA0, 0xCC: 0xC0}
        base = max(start for start in kinds if start <= marker)
        return self._sized(kinds[base], self._number(self._SIZES[marker - base]))

    def _sized(self, kind: int, size: int) -> Any:
        if kind == 0x80:
            return self._take(size).decode()
        if kind == 0x90:
            return [self.value() for _ in range(size)]
        if kind == 0xA0:
            return {self.value(): self.value() for _ in range(size)}
        if kind == 0xC0:
            return self._take(size)
        tag = self._take(1)[0]
        return Struct(tag, tuple(self.value() for _ in range(size)))

    def _number(self, form: str) -> Any:
        (number,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return number

    def _take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]
