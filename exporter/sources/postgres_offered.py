"""Finds which parts of a query a managed service refuses, so that the rest is read.

Aurora, RDS, Cloud SQL and Azure deny functions about WAL to everybody, or say that they
do not support them; some say so only when they are called. Each is tried once, and
again after some minutes, as what is denied can be granted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    PostgresSource = Any  # which imports this module

_TRY = "select count(tried) from (select {part} as tried) as trial"
_AGAIN = 600.0  # seconds
_FOR_GOOD = {Reason.PERMISSION, Reason.UNSUPPORTED, Reason.QUERY}


class Refusal(NamedTuple):
    """What the server said of a part, and the statement that mends it, if one does."""

    message: str
    fix: str | None


class Offered:
    """What was tried of one server, when, and what it said."""

    def __init__(self) -> None:
        """Begin with nothing tried."""
        self._tried: dict[str, tuple[float, Refusal | None]] = {}

    async def refusal(self, source: PostgresSource, part: str) -> Refusal | None:
        """Return why an expression is refused, None where it works.

        Raises SourceError where that cannot be told, as when the server hangs.
        """
        now = asyncio.get_running_loop().time()
        when, known = self._tried.get(part, (-_AGAIN, None))
        if now - when < _AGAIN:
            return known
        found = None
        try:
            await source.attempt(lambda here: here.tuples(_TRY.format(part=part)))
        except SourceError as error:
            if error.reason not in _FOR_GOOD:
                raise
            found = Refusal(str(error), error.fix)
        self._tried[part] = (now, found)
        return found

    async def query(
        self, source: PostgresSource, query: str, parts: Mapping[str, str]
    ) -> str:
        """Return a query in which each part that is refused has its stand-in."""
        for part, instead in parts.items():
            if await self.refusal(source, part):
                query = query.replace(part, instead)
        return query
