"""Runs the user's own queries, each when it is due; one that fails harms no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from exporter.errors import Reason, SourceError
from exporter.sources.postgres_begin import ROLES_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from exporter.config_postgres import OwnQuery

    PostgresSource = Any  # which imports this module

_EARLY = 0.5  # seconds by which a poll may come too soon and yet be the one
_MOST = 1000  # rows
_LONGEST = 1000  # characters of a label


class Answer(NamedTuple):
    """What a query gave the last time it ran: rows by column name, or why none."""

    query: OwnQuery
    rows: Sequence[dict[str, Any]]
    seconds: float
    failure: SourceError | None = None


class OwnQueries:
    """The queries of a target, and what each of them gave."""

    def __init__(self, queries: Sequence[OwnQuery]) -> None:
        """Begin with nothing run."""
        self._queries = queries
        self._last: dict[str, tuple[float, Answer]] = {}

    async def answers(self, source: PostgresSource) -> list[Answer]:
        """Run what is due in the poll's transaction; the rest as it was.

        Raises the failure where the server did not answer at all.
        """
        clock = asyncio.get_running_loop().time
        first = clock()
        for query in self._queries:
            began = clock()
            ran, _ = self._last.get(query.name, (-1e9, None))
            if began - ran < query.interval - _EARLY:
                continue
            left = source.config.deadline - (began - first)
            if left < source.config.deadline / 2:  # a slow one took its time
                limit = max(1, int(left / 2 * 1000))
                limited = f"set local {source.mark} statement_timeout = {limit}"
                await source.command(limited)
            try:
                rows = await source.attempt(lambda here, q=query: _rows(here, q))
                answer = Answer(query, rows, clock() - began)
            except SourceError as error:
                if not error.answered:
                    raise
                answer = Answer(query, (), clock() - began, error)
            self._last[query.name] = (began, answer)
            source.parts[f"own query {query.name}"] = answer.failure
        return [answer for _, answer in self._last.values()]


async def _rows(source: PostgresSource, query: OwnQuery) -> list[dict[str, Any]]:
    await source.command(ROLES_PATH)
    rows: list[dict[str, Any]] = await source.dicts(query.sql)
    if len(rows) > _MOST:
        raise SourceError(
            Reason.LIMIT,
            f"own query {query.name}: more than {_MOST} rows; aggregate them",
            answered=True,
        )
    for column in (*query.labels, *query.metrics):
        if rows and column not in rows[0]:
            message = f"own query {query.name}: there is no column {column}"
            raise SourceError(Reason.QUERY, message, answered=True)
    for column in query.metrics:
        for row in rows:
            if not isinstance(row[column], int | float | None):
                message = f"own query {query.name}: {column} is not a number"
                raise SourceError(Reason.QUERY, message, answered=True)
    _tell_apart(query, rows)
    return rows


def _tell_apart(query: OwnQuery, rows: list[dict[str, Any]]) -> None:
    """Refuse rows that would be one series, and labels that are no labels."""
    told = {tuple(str(row[label]) for label in query.labels) for row in rows}
    if len(told) < len(rows):
        message = f"own query {query.name}: rows have the same labels; group by them"
        raise SourceError(Reason.QUERY, message, answered=True)
    if any(len(text) > _LONGEST for labels in told for text in labels):
        message = f"own query {query.name}: a label is longer than {_LONGEST}"
        raise SourceError(Reason.LIMIT, message, answered=True)
