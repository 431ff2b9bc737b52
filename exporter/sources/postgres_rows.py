"""How many rows one read may give."""

from __future__ import annotations

from exporter.errors import Reason, SourceError
from exporter.sources.postgres_begin import MARK

_MOST = 100_000
_BOUNDED = "select {mark} * from (\n{query}\n) as bounded limit {limit}"


def bounded(query: str) -> str:
    """Let a query bear our mark, and give no more than one row too many."""
    return _BOUNDED.format(mark=MARK, query=query, limit=_MOST + 1)


def check_count(count: int) -> None:
    """Raise SourceError(limit) for too many rows."""
    if count > _MOST:
        raise SourceError(
            Reason.LIMIT,
            f"a read gives more than {_MOST} rows and is given up",
            answered=True,
        )
