"""A Neo4j server: rows of SHOW commands, plans of queries, the time of a round trip."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from neo4j.exceptions import Neo4jError

from exporter.errors import Reason, SourceError
from exporter.sources.neo4j_connection import MARK, Neo4jConnection, direct, now
from exporter.sources.neo4j_plan import Pages, Plan, Refusal, parse
from exporter.sources.neo4j_rows import bounded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from neo4j import AsyncTransaction

    from exporter.sources.neo4j_show import Show

__all__ = ["SOURCE", "Neo4jSource", "direct"]

RowT = TypeVar("RowT")

_REFUSALS = (Reason.PERMISSION, Reason.UNSUPPORTED)
_PAGES = """
SHOW TRANSACTIONS YIELD metaData, pageHits, pageFaults
WHERE coalesce(metaData.profile, '') = $mark
RETURN pageHits AS hits, pageFaults AS faults"""


class Neo4jSource(Neo4jConnection):
    """What collectors ask a server for."""

    async def show(
        self,
        row: type[RowT],
        show: Show,
        parameters: Mapping[str, object] | None = None,
        database: str | None = None,
    ) -> list[RowT]:
        """Read a SHOW command's rows as `fetch` does, as far as the server has it."""
        text = show.text(await self.columns(show.command))
        return await self.fetch(row, text, parameters, database)

    async def fetch_once(
        self, row: type[RowT], cypher: str, database: str | None = None
    ) -> list[RowT]:
        """Read rows as `fetch` does, or give those that this round has read already.

        For what several collectors look at.
        """
        key = (row, cypher, database)
        if key not in self._shared:
            self._shared[key] = await self.fetch(row, cypher, None, database)
        return self._shared[key]

    async def fetch_if_allowed(self, row: type[RowT], cypher: str) -> list[RowT]:
        """Read rows as `fetch_once`; none where the role may not or the server cannot.

        For what adds to a reading and is no reason to be without the rest. Once refused
        it is not asked for again on the same connection.
        """
        if cypher in self._refused:
            return []
        try:
            return await self.fetch_once(row, cypher)
        except Neo4jError as error:
            if self._classify(error).reason not in _REFUSALS:
                raise
        self._refused.add(cypher)
        return []

    async def explain(
        self, cypher: str, parameters: Mapping[str, object]
    ) -> Plan | Refusal:
        """Ask for a query's plan without running it.

        What the server refuses is returned; only a lost connection is raised.
        """
        return await self._settle(self._explain(cypher, parameters))

    async def profile(
        self, cypher: str, parameters: Mapping[str, object]
    ) -> Plan | Refusal:
        """Run a query in a read transaction that is rolled back, and return its plan.

        It may take half of the time that the poll has left, so that one slow query
        leaves room for others; then it is ended here and on the server, and refused
        with `timeout`. At most 10,000 rows.
        """
        budget = min(self._longest, (self._until - self.clock()) / 2)
        return await self._settle(self._profile(cypher, parameters, budget))

    async def _settle(self, work: Awaitable[Plan]) -> Plan | Refusal:
        """Return what the server refused, so that it does not end the whole poll."""
        started = now()
        try:
            return await work
        except Exception as error:
            refused = error if isinstance(error, SourceError) else self._classify(error)
            if not refused.answered:
                raise
        return Refusal(refused.reason, str(refused), now() - started)

    async def _explain(self, cypher: str, parameters: Mapping[str, object]) -> Plan:
        async with self._session() as session:
            text = self._query(f"EXPLAIN {cypher}")
            result = await session.run(text, dict(parameters))
            summary = await result.consume()
        return Plan(parse(summary.plan or {}), summary.query_type)

    async def _profile(
        self, cypher: str, parameters: Mapping[str, object], budget: float
    ) -> Plan:
        mark = secrets.token_hex(8)
        counted = "pageFaults" in await self.columns("SHOW TRANSACTIONS")
        known = {**MARK, "profile": mark}
        try:
            async with asyncio.timeout(budget), self._session() as session:
                begun = await session.begin_transaction(known, budget)
                async with begun as transaction:
                    run = await _drain(transaction, f"PROFILE {cypher}", parameters)
                    pages = await self._pages(transaction, mark) if counted else None
                    await transaction.rollback()
        except TimeoutError as error:
            self._may_open = True  # the driver has closed the one that was waiting
            text = f"not done within {budget:.1f} s"
            raise SourceError(Reason.TIMEOUT, text, answered=True) from error
        return replace(run, pages=pages)

    async def _pages(self, transaction: AsyncTransaction, mark: str) -> Pages | None:
        """Ask a transaction for the pages it has touched, which PROFILE hides."""
        self.queries += 1
        with contextlib.suppress(Neo4jError):  # then they are not known
            result = await transaction.run(_PAGES, mark=mark)
            return next((Pages(*row.values()) for row in await result.fetch(1)), None)
        return None


SOURCE = Neo4jSource


async def _drain(
    transaction: AsyncTransaction, cypher: str, parameters: Mapping[str, object]
) -> Plan:
    """Run a query and take in all its rows; undrained, it would have no figures."""
    started = now()
    result = await transaction.run(cypher, dict(parameters))
    try:
        async for _ in bounded(result):
            pass
    except SourceError:
        with contextlib.suppress(Neo4jError):  # it complains of being cut short
            await result.consume()
        raise
    seconds = now() - started
    summary = await result.consume()
    return Plan(parse(summary.profile or {}), summary.query_type, seconds)
