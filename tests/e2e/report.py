"""Writes results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.trial import Other, Outcome, Result

_NOTE = """\
minimum = scrape + evaluation + `for` + group_wait at the demo's speed, whole intervals
of the first two: a fault just before both may be quicker. What is above it: polls every
5 s, a share or a mean over 20 s that must pass its limit first, and the 60 s that a
transaction may be idle for."""


def table(results: Sequence[Result]) -> Table:
    """Draw fault by alert by seconds."""
    drawn = Table(title="Faults and what arrived", title_justify="left")
    for name in ("fault", "alert"):
        drawn.add_column(name)
    for name in ("seen", "notified", "minimum", "over"):
        drawn.add_column(f"{name} s", justify="right")
    drawn.add_column("named s", justify="right")
    for name in ("cause", "incident's first cause", "beside it", "problems"):
        drawn.add_column(name, overflow="fold")
    for each in results:
        drawn.add_row(
            each.expected.fault,
            each.expected.alert,
            *map(_seconds, (each.seen, each.notified, each.least)),
            each.still or "-" if each.over is None else _seconds(each.over),
            _seconds(each.incident.named),
            each.cause or "-",
            each.incident.cause or "-",
            said(each.others),
            "\n".join(each.problems) or "none",
        )
    return drawn


def said(others: Sequence[Other]) -> str:
    """Name alerts with the reason why they are accepted."""
    return "\n".join(f"{o.name}: {o.reason or 'NOT EXPECTED'}" for o in others)


def show(outcome: Outcome, seconds: float) -> None:
    """Print everything; `seconds` is how long it was idle."""
    console = Console(width=180)
    arrived = said(outcome.idle.others) or "nothing"
    console.print(f"Idle for {seconds:g} s, beside the Watchdog: {arrived}")
    for problem in outcome.idle.problems:
        console.print(f"NOT AS EXPECTED: {problem}")
    console.print(table(outcome.results))
    console.print(_NOTE)
    for what, cost in zip(("panel", "rule"), outcome.costs, strict=True):
        console.print(f"dearest {what}: {cost.name}, {cost.milliseconds:.1f} ms")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
