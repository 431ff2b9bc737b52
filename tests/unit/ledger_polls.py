"""Polls of statements for the tests of their account, and what it then says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collectors._postgres_ledger import Ledger, Origin, Poll
from exporter.collectors._postgres_rows import packed

if TYPE_CHECKING:
    from collections.abc import Sequence

WEB, JOBS, MONITOR = 11, 12, 13
SHOP, MAIL = 1, 2
NAMES = {SHOP: "shop", MAIL: "mail"}
START = Origin(1000.0, 900.0)
BUSY = (1, 0)
FIGURES = 2
_REST = (0,) * 14


def row(query: int | None, calls: int, time: float | None = None, **key: Any) -> bytes:
    user, database = key.get("user", WEB), key.get("database", SHOP)
    took = calls / 8 if time is None else time
    toplevel = key.get("toplevel", True)
    return packed(
        (user, database, query, toplevel, calls, took, *_REST, key.get("print", 0))
    )


def prints_of(*numbers: int) -> frozenset[bytes]:
    return frozenset(number.to_bytes(8, "big") for number in numbers)


def poll(rows: Sequence[bytes], **settings: Any) -> Poll:
    return Poll(
        settings.get("origin", START),
        rows,
        settings.get("databases", NAMES),
        settings.get("users", {WEB, JOBS, MONITOR}),
        settings.get("left_out", set()),
        settings.get("held", set()),
        settings.get("size", 2),
        BUSY,
        FIGURES,
        settings.get("whole", True),
        settings.get("gone", frozenset()),
        settings.get("arrived", frozenset()),
    )


def after(*polls: Poll) -> Ledger:
    ledger = Ledger()
    for one in polls:
        ledger.update(one)
    return ledger


def calls(ledger: Ledger) -> dict[int | None, float]:
    return {query: figures[0] for (_, _, query), figures in ledger.of.items()}


def rest(ledger: Ledger) -> dict[str, float]:
    return {name: figures[0] for name, figures in ledger.other.items()}


def calls_by_key(ledger: Ledger) -> dict[Any, float]:
    return {key: figures[0] for key, figures in ledger.of.items()}
