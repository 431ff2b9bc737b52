"""Rows as collectors want them out of what the Neo4j driver gives; and the version."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from neo4j.time import DateTime, Duration

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from neo4j import AsyncResult

_MOST_RECORDS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """What `dbms.components` says of the server."""

    version: str
    edition: str

    def pick(self, queries: Mapping[tuple[int, int], str]) -> str:
        """Return the text for this version out of texts keyed by the lowest version.

        A version that cannot be read counts as the newest. Raises
        SourceError(unsupported) when the server is older than every text.
        """
        found = re.match(r"(\d+)\.(\d+)", self.version)
        version = (int(found[1]), int(found[2])) if found else max(queries)
        served = [lowest for lowest in queries if lowest <= version]
        if not served:
            oldest = ".".join(str(part) for part in min(queries))
            raise SourceError(
                Reason.UNSUPPORTED,
                f"Neo4j {self.version} is too old; {oldest} or later is needed",
                answered=True,
            )
        return queries[max(served)]


def places(row: type[Any], columns: tuple[str, ...]) -> list[int]:
    """Return where each field of a dataclass is among the columns, -1 for nowhere."""
    names = [field.name for field in dataclasses.fields(row)]
    return [columns.index(name) if name in columns else -1 for name in names]


async def bounded(result: AsyncResult) -> AsyncIterator[tuple[Any, ...]]:
    """Yield the records' values; raises SourceError(limit) when they are too many."""
    count = 0
    async for record in result:
        count += 1
        if count > _MOST_RECORDS:
            text = f"the answer has more than {_MOST_RECORDS} records"
            raise SourceError(Reason.LIMIT, text, answered=True)
        yield tuple(record.values())


def plain(value: object) -> object:
    """Turn the driver's moments into Unix seconds and its durations into seconds."""
    if isinstance(value, DateTime):
        return value.to_native().timestamp()
    if isinstance(value, Duration):
        days = value.months * 30 + value.days
        return days * 86400 + value.seconds + value.nanoseconds / 1e9
    return value
