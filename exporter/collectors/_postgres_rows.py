"""Rows of pg_stat_statements as the server sends them, taken apart where it matters.

Of thousands of rows few change from poll to poll. As they came, in the binary format
of COPY, they take half the memory of Python's numbers, and are compared unopened.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

Row = tuple[Any, ...]

USER, DATABASE, QUERY, TOPLEVEL, CALLS, TIME = range(6)

# Two bytes with the number of columns; each column after four bytes with its length.
_USER = Struct("!2x 4xI")
_OWNER = Struct("!2x 4xI 4xI")
_KEY = Struct("!2x 4xI 4xI 4xq 4x?")
_HIDDEN_KEY = Struct("!2x 4xI 4xI 4x 4x?")  # without a query id: NULL has no bytes
_KINDS = "qdqdddqqqqqqdddd"  # of the figures, calls and time first
_FIGURES = Struct("!" + "".join(f"4x{kind}" for kind in _KINDS))


def packed(row: Row) -> bytes:
    """Write a row; raises struct.error when a figure is missing or too great."""
    known = [value for value in row[:CALLS] if value is not None]
    key = _KEY if len(known) == CALLS else _HIDDEN_KEY
    return key.pack(*known) + _FIGURES.pack(*row[CALLS:])


def unpacked(raw: bytes) -> Row:
    """Read a row; raises struct.error for other columns than ours."""
    key, figures = key_of(raw), _FIGURES.unpack(raw[-_FIGURES.size :])
    if hidden(key):
        user, database, toplevel = _HIDDEN_KEY.unpack(key)
        return (user, database, None, toplevel, *figures)
    return (*_KEY.unpack(key), *figures)


def key_of(raw: bytes) -> bytes:
    """Return the part that tells whose row it is."""
    return raw[: -_FIGURES.size]


def hidden(key: bytes) -> bool:
    """Tell whether a key is of rows without a query id."""
    return len(key) != _KEY.size


def owner_of(raw: bytes) -> bytes:
    """Return the part that is the same for all rows of a user in a database."""
    return raw[: _OWNER.size]


def owners(rows: Iterable[bytes]) -> set[tuple[int, int]]:
    """Return the users whose rows they are, each with the database."""
    found = {owner_of(raw) for raw in rows}
    return {(user, database) for user, database in map(_OWNER.unpack, found)}


def queries_of(rows: Iterable[bytes], user: int) -> set[int]:
    """Return the query ids of a user, as far as they are not hidden from us."""
    start, end = _USER.size - 4, _USER.size
    sought = user.to_bytes(4, "big")
    mine = (key_of(raw) for raw in rows if raw[start:end] == sought)
    return {_KEY.unpack(key)[QUERY] for key in mine if not hidden(key)}


def is_hidden(raw: bytes) -> bool:
    """Tell whether a row has no query id."""
    return len(raw) != _KEY.size + _FIGURES.size


def changed(
    now: Sequence[bytes], last: Sequence[bytes]
) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Return what is not as it was, by key: how it is, and how it was.

    Hidden rows of one key are summed, those that stayed as they were included.
    """
    before, after = dict.fromkeys(last), dict.fromkeys(now)
    came = [raw for raw in now if raw not in before]
    gone = [raw for raw in last if raw not in after]
    sums = {key_of(raw) for raw in (*came, *gone) if is_hidden(raw)}
    if sums:
        came, gone = (_with(sums, *pair) for pair in ((came, now), (gone, last)))
    return summed(came), summed(gone)


def _with(
    keys: AbstractSet[bytes], some: Sequence[bytes], rows: Sequence[bytes]
) -> list[bytes]:
    """Return some of the rows, and all hidden ones of these keys."""
    shown = [raw for raw in some if not is_hidden(raw)]
    return shown + [raw for raw in rows if is_hidden(raw) and key_of(raw) in keys]


def summed(rows: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return rows by their key; those of one key, as hidden ones have, are summed."""
    found: dict[bytes, bytes] = {}
    sums: dict[bytes, Row] = {}
    for raw in rows:
        key = key_of(raw)
        if key in found:
            so_far, more = sums.get(key) or unpacked(found[key]), unpacked(raw)
            pairs = zip(so_far[CALLS:], more[CALLS:], strict=True)
            sums[key] = (*more[:CALLS], *(one + other for one, other in pairs))
        else:
            found[key] = raw
    found.update((key, packed(row)) for key, row in sums.items())
    return found
