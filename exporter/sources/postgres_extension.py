"""Where an extension is in its database, and which version it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.errors import Reason, SourceError
from exporter.sources import postgres_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXTENSION = """
select n.nspname as schema, e.extversion as version
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = %s
"""


class Extension(NamedTuple):
    """An extension of the database: its schema as an identifier, its version."""

    name: str
    schema: str
    version: tuple[int, ...]

    def query(self, queries: Mapping[tuple[int, int], str]) -> str:
        """Choose by the lowest version that each is for; `{schema}` is filled in.

        Raises SourceError(unsupported) when the version is older than all of them.
        """
        fitting = [lowest for lowest in queries if lowest <= self.version]
        if not fitting:
            raise SourceError(
                Reason.UNSUPPORTED,
                f"the extension {self.name} is older than its server",
                answered=True,
                fix=f"ALTER EXTENSION {self.name} UPDATE;",
            )
        return queries[max(fitting)].format(schema=self.schema)


def extension_of(
    found: Sequence[tuple[Any, ...]], name: str, database: str
) -> Extension:
    """Make it of the rows of EXTENSION; raises SourceError(unsupported) without one."""
    if not found:
        raise postgres_errors.missing_extension(name, database)
    ((schema, version),) = found
    parts = tuple(int(part) for part in re.findall(r"\d+", version))
    return Extension(name, identifier(schema), parts)


def identifier(name: str) -> str:
    """Write a name so that it may stand in a query with parameters and in others."""
    if "%" not in name:
        return postgres_errors.quoted(name)
    escaped = name.replace("\\", "\\\\").replace("%", "\\0025")
    return f"U&{postgres_errors.quoted(escaped)}"
