"""Rows as collectors want them out of what the Neo4j driver gives; and the version."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from neo4j.time import Duration

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from neo4j import AsyncResult

_MOST_RECORDS = 10_000
_OLDEST = (4, 3)


@dataclasses.dataclass(frozen=True, slots=True)
class Kernel:
    """What `dbms.components` says of the server."""

    version: str
    edition: str

    def check(self) -> None:
        """Raise SourceError(unsupported) when the server has no SHOW commands yet."""
        found = re.match(r"(\d+)\.(\d+)", self.version)
        if found and (int(found[1]), int(found[2])) < _OLDEST:
            text = f"Neo4j {self.version} is too old; 4.3 or later is needed"
            raise SourceError(Reason.UNSUPPORTED, text, answered=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Language:
    """The language that a database takes a query to be in: `CYPHER 5`, `CYPHER 25`."""

    name: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """When the server's JVM started: Unix time in milliseconds."""

    ms: int | None


class Server(NamedTuple):
    """What the connected server is; `language` is the number of its Cypher."""

    version: str
    edition: str
    language: str

    @classmethod
    def of(cls, kernel: Kernel, languages: Sequence[Language]) -> Server:
        """Put together what it says; before 2025.06 language and version are one."""
        told = "".join(one.name or "" for one in languages[:1])
        return cls(
            kernel.version,
            kernel.edition,
            told.rpartition(" ")[2] or kernel.version.partition(".")[0],
        )


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
    """Turn the driver's durations into seconds."""
    if isinstance(value, Duration):
        days = value.months * 30 + value.days
        return days * 86400 + value.seconds + value.nanoseconds / 1e9
    return value
