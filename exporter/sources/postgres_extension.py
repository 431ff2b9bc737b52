"""Where an extension is in its database, and which version it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.sources import postgres_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

EXTENSION = """
select n.nspname as schema, e.extversion as version
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = %s
"""


class Extension(NamedTuple):
    """An extension of the database: its schema as an identifier, its version."""

    schema: str
    version: tuple[int, ...]


def extension_of(
    found: Sequence[tuple[Any, ...]], name: str, database: str
) -> Extension:
    """Make it of the rows of EXTENSION; raises SourceError(unsupported) without one."""
    if not found:
        raise postgres_errors.missing_extension(name, database)
    ((schema, version),) = found
    parts = tuple(int(part) for part in re.findall(r"\d+", version))
    return Extension(postgres_errors.quoted(schema), parts)
