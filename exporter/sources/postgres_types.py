"""How PostgreSQL's values become Python's: numbers as int or float, text as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.numeric import NumericBinaryLoader, NumericLoader

if TYPE_CHECKING:
    from decimal import Decimal
    from typing import Any

    from psycopg import AsyncConnection
    from psycopg.abc import Buffer

_MOST_WHOLE = 2**63  # beyond it a float says enough


class _Number(NumericLoader):
    """A numeric as int when it is whole, else as float; NaN and infinity as float."""

    def load(self, data: Buffer) -> Any:
        return _number(super().load(data))


class _BinaryNumber(NumericBinaryLoader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return _number(super().load(data))


class _Text(Loader):
    """A text of any encoding: names of other databases may not be in that of ours."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")


class _BinaryText(_Text):
    format = Format.BINARY


def register(connection: AsyncConnection[Any]) -> None:
    """Let a connection, whose client encoding is UTF-8, read values this way."""
    for loader in (_Number, _BinaryNumber):
        connection.adapters.register_loader("numeric", loader)
    for name in ("text", "varchar", "bpchar", "name", '"char"'):
        for text in (_Text, _BinaryText):
            connection.adapters.register_loader(name, text)


def _number(value: Decimal) -> float:
    whole = (
        not value.is_nan()
        and abs(value) < _MOST_WHOLE
        and value == value.to_integral_value()
    )
    return int(value) if whole else float(value)
