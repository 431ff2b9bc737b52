"""Puts a review together: what the worker found, and what the target's planner says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from exporter.collector import SourceKind
from exporter.collectors._postgres_text import label
from exporter.errors import Reason, SourceError
from exporter.review import cypher, planner
from exporter.review.process import parse
from exporter.review.shape import (
    MOST_PLANNED,
    UNREADABLE,
    Dialect,
    Refusal,
    ReviewError,
    bounds,
)
from exporter.sources import source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config import Target
    from exporter.review.shape import Answer, Asked
    from exporter.sources.base import Source

_LONGEST = 2000
_SECONDS = 10.0  # for all that a target is asked
_SPOKEN = {
    SourceKind.POSTGRES: Dialect.POSTGRES,
    SourceKind.NEO4J: Dialect.CYPHER,
}
_INTERNAL = ("place", "expression")
_OTHER = "only queries, INSERT, UPDATE, DELETE and MERGE are reviewed"


async def review(asked: Asked, target: Target | None, unplanned: str = "") -> Answer:
    """Review a text, at a target also by its plans; raises ReviewError.

    A target that does not answer costs its plans alone: the answer says why. So does
    `unplanned`, the reason for which the target is not even asked.
    """
    dialect = _dialect(asked, target)
    if dialect is Dialect.CYPHER and target is not None:
        if unplanned:
            raise ReviewError(Refusal.BUSY, unplanned)
        return _answer(asked, dialect, [await _cypher(asked, target)])
    found = await parse(asked.text, dialect)
    if all(one["kind"] == "other" for one in found):
        raise ReviewError(Refusal.NO_QUERY, f"there is no query here: {_OTHER}")
    plans: list[Answer | None] = [None] * len(found)
    if target is not None and unplanned:
        plans = [{"refused": unplanned} for _ in found]
    elif target is not None:
        plans, unplanned = await _plans(target, found)
    statements = [
        _statement(number, one, plan, literals=asked.literals)
        for number, (one, plan) in enumerate(zip(found, plans, strict=True), 1)
    ]
    return _answer(asked, dialect, statements, unplanned)


def _dialect(asked: Asked, target: Target | None) -> Dialect:
    """Return the language; refuse one that the target does not speak."""
    if target is None:
        if asked.dialect is Dialect.CYPHER:
            what = "Cypher is reviewed by its plan: name a target of Neo4j"
            raise ReviewError(Refusal.UNKNOWN_TARGET, what)
        return asked.dialect or Dialect.POSTGRES
    spoken = _SPOKEN.get(target.kind)
    if spoken is None or asked.dialect not in (None, spoken):
        what = f"the target {target.name} ({target.kind}) does not plan such a text"
        raise ReviewError(Refusal.UNKNOWN_TARGET, what)
    return spoken


def _answer(
    asked: Asked, dialect: Dialect, statements: list[Answer], unplanned: str = ""
) -> Answer:
    return {
        "dialect": str(dialect),
        "target": asked.target,
        "unplanned": unplanned or None,
        "statements": statements,
        "findings": sum(len(one["findings"]) for one in statements),
        "executed": False,
        "bounds": bounds(),
    }


def _statement(
    number: int, found: Mapping[str, Any], plan: Answer | None, *, literals: bool
) -> Answer:
    """Return what is said of one statement; its texts without literals by default."""
    served = plan.pop("served", ()) if plan else ()
    findings = [
        {key: value for key, value in one.items() if key not in _INTERNAL}
        for one in found["findings"]
        if one["expression"] not in served
    ]
    costs: Sequence[Answer] = plan.pop("rewrites", ()) if plan else ()
    if plan and "converted" in plan:  # the server knows the types, the text does not
        findings = [one for one in findings if one["rule"] != "implicit_cast"]
        findings += plan.pop("converted")
        findings.sort(key=lambda one: (one["line"], one["column"]))
    answer = {
        "statement": number,
        "kind": found["kind"],
        "line": found["line"],
        "text": _shown(found["text"], literals=literals),
        "findings": findings,
        "rewrites": [
            {
                "rule": one["rule"],
                "text": _shown(one["text"], literals=literals),
                "when": one["when"],
                "plan": costs[place] if place < len(costs) else None,
            }
            for place, one in enumerate(found["rewrites"])
        ],
        "plan": plan,
    }
    if found["kind"] == "other":
        answer["refused"] = _OTHER
    elif found["kind"] == UNREADABLE:
        answer |= {"refused": found["refused"], "column": found["column"], "plan": None}
    return answer


def _shown(text: str, *, literals: bool) -> str:
    return text if literals else label(text, _LONGEST)


async def _plans(
    target: Target, found: Sequence[Mapping[str, Any]]
) -> tuple[list[Answer | None], str]:
    """Plan the first queries over one connection of its own, which is closed again.

    The second part says why the target itself did not plan them all, else nothing.
    """
    plans: list[Answer | None] = []
    unplanned = ""
    source = source_of(target)
    try:
        await source.connect(target.deadline)
        async with asyncio.timeout(_SECONDS):
            for one in found[:MOST_PLANNED]:
                plan = await _plan(source, one)
                plans.append(plan)
    except SourceError as error:
        if error.reason is Reason.INTERNAL:
            raise  # a mistake of ours, for the log
        unplanned = _unreached(error)
    except TimeoutError:
        unplanned = f"not planned within {_SECONDS:g} s"
    finally:
        await source.close()
    late = unplanned or f"only the first {MOST_PLANNED} are planned"
    missing = len(found) - len(plans)
    return [*plans, *({"refused": late} for _ in range(missing))], unplanned


async def _plan(source: Source[Any], found: Mapping[str, Any]) -> Answer:
    if "refused" in found["planned"]:
        return {"refused": found["planned"]["refused"]}

    async def read(connected: Any) -> Answer:
        return await planner.plan(connected, found)

    answer: Answer = await source.run(read, source.config.deadline)
    return answer


async def _cypher(asked: Asked, target: Target) -> Answer:
    cypher.readable(asked.text)
    source = source_of(target)

    async def read(connected: Any) -> Answer:
        return await cypher.review(connected, asked)

    try:
        await source.connect(target.deadline)
        answer: Answer = await source.run(read, target.deadline)
    except SourceError as error:
        if isinstance(error.__cause__, ReviewError):
            raise error.__cause__ from None
        what = f"{target.name} does not plan: {_unreached(error)}"
        raise ReviewError(Refusal.BUSY, what) from error
    finally:
        await source.close()
    return answer


def _unreached(error: SourceError) -> str:
    """Say why there is no plan; a server's own words may quote literals."""
    away = error.reason in (Reason.CONNECT, Reason.AUTH, Reason.STARTING)
    return f"{error.reason}: {error}" if away else str(error.reason)
