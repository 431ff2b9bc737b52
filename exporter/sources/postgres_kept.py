"""Tells a server which rows we have, so that it does not send them again."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any

from psycopg.adapt import Dumper
from psycopg.pq import Format

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg import AsyncConnection

_INT8, _INT8S = 20, 1016  # oids of the types
_EMPTY = Struct("!3i").pack(0, 0, _INT8)  # dimensions, whether there are nulls, type
_HEAD = Struct("!5i")  # the same; how many, the first one's number
_SIZE = Struct("!i").pack(8)


class Prints(bytes):
    """An int8[] in the server's binary format, to be a parameter as it is."""

    __slots__ = ()


NO_PRINTS = Prints(_EMPTY)


def prints(of: Collection[bytes]) -> Prints:
    """Make an array of numbers that each are eight bytes as the server writes them."""
    if not of:
        return NO_PRINTS
    head = _HEAD.pack(1, 0, _INT8, len(of), 1)
    return Prints(b"".join((head, _SIZE, _SIZE.join(of))))


@dataclass(slots=True)
class Kept:
    """What a collector has of a query's rows: their prints, and whose they are.

    With `NO_PRINTS` a read brings all rows.
    """

    prints: Prints = NO_PRINTS
    owners: frozenset[tuple[int, int]] = frozenset()

    def forget(self) -> None:
        """Let the next read bring all rows."""
        self.prints, self.owners = NO_PRINTS, frozenset()


class _Dumper(Dumper):
    format = Format.BINARY
    oid = _INT8S

    def dump(self, obj: Prints) -> Prints:
        return obj


def register(connection: AsyncConnection[Any]) -> None:
    """Let a connection take prints as a parameter."""
    connection.adapters.register_dumper(Prints, _Dumper)
