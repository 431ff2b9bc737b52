"""Rows of pg_stat_statements as they are kept from poll to poll: packed, by whose.

Packed they take a third of the memory of Python's numbers. The server is told by their
prints which ones are kept, and leaves out what has the same print again.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = tuple[Any, ...]
"""User, database, query id (None: it is hidden from us), toplevel, figures, print."""

USER, DATABASE, QUERY, TOPLEVEL, CALLS, TIME = range(6)

_KEY = "IIq?"
_KINDS = "qdqdddqqqqqqdddd"  # of the figures, calls and time first
_ROW = Struct(f"!{_KEY}{_KINDS}q")
_PRINT = Struct("!q")
_OWNER_SIZE = Struct("!II").size
_KEY_SIZE = Struct(f"!{_KEY}").size
_QUERY = slice(_OWNER_SIZE, _KEY_SIZE - 1)
PRINT = slice(-8, None)
"""The part of a packed row by which the server knows it again."""
_HIDDEN = bytes(8)  # no query id is 0


def packed(row: Row) -> bytes:
    """Write a row; raises struct.error when a figure is missing or too great."""
    return _ROW.pack(*row[:QUERY], row[QUERY] or 0, *row[TOPLEVEL:])


def unpacked(raw: bytes) -> Row:
    """Read a row; raises struct.error for other columns than ours."""
    row = _ROW.unpack(raw)
    return row if row[QUERY] else (*row[:QUERY], None, *row[TOPLEVEL:])


def print_of(row: Row) -> bytes:
    """Return a row's print as it is in a packed one."""
    return _PRINT.pack(row[-1])


def key_of(raw: bytes) -> bytes:
    """Return the part that tells whose row it is."""
    return raw[:_KEY_SIZE]


def owner_of(raw: bytes) -> bytes:
    """Return the part that is the same for all rows of a user in a database."""
    return raw[:_OWNER_SIZE]


def queries_of(rows: Iterable[bytes], user: int) -> set[int]:
    """Return the query ids of a user, as far as they are not hidden from us."""
    sought = user.to_bytes(4, "big")
    found = {unpacked(raw)[QUERY] for raw in rows if raw.startswith(sought)}
    return found - {None}


def hidden(raw: bytes) -> bool:
    """Tell whether a row, or a key, is without a query id."""
    return raw[_QUERY] == _HIDDEN


def summed(rows: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return rows by their key; those of one key, as hidden ones have, are summed."""
    found: dict[bytes, bytes] = {}
    sums: dict[bytes, Row] = {}
    for raw in rows:
        key = key_of(raw)
        if key in found:
            so_far, more = sums.get(key) or unpacked(found[key]), unpacked(raw)
            pairs = zip(so_far[CALLS:-1], more[CALLS:-1], strict=True)
            sums[key] = (*more[:CALLS], *(one + other for one, other in pairs), 0)
        else:
            found[key] = raw
    found.update((key, packed(row)) for key, row in sums.items())
    return found
