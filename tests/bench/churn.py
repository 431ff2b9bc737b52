"""New series an hour while ranks change: the sticky top-N beside a plain LIMIT 100."""

from __future__ import annotations

import math
import random
from math import exp
from typing import TYPE_CHECKING

from exporter.collectors._postgres_ledger import Ledger, Origin, Poll
from exporter.collectors._postgres_rows import packed
from tests.bench.report import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_STATEMENTS = 5000
_POLLS = 200
_TOP = 100
_INTERVAL = 15.0
_USER, _DATABASE = 11, 1
_REST = (0,) * 15  # figures that are not looked at
_SWING = 0.7  # how far a statement's load swings around its usual one, lognormal
_PAST = 240  # polls, an hour, that the view has counted before
_BACK = 0.05  # of the way back to the usual, a poll


def usual(number: int) -> float:
    """Return a statement's calls a poll."""
    return 100 * math.pow(number + 1, -0.8)


class Load:
    """Statements whose loads swing up and down, so that ranks change at every poll."""

    def __init__(self) -> None:
        """Begin with loads that fall with the rank, as they do on real servers."""
        self._dice = random.Random(5)
        self._swing = [self._dice.gauss(0, _SWING) for _ in range(_STATEMENTS)]
        self.totals = [
            [int(_PAST * usual(number)), _PAST * usual(number) * (1.0 + number % 7)]
            for number in range(_STATEMENTS)
        ]

    def work(self) -> list[float]:
        """Let a poll's time pass; returns what each statement took of it."""
        spent = []
        for number, total in enumerate(self.totals):
            kick = self._dice.gauss(0, _SWING * (2 * _BACK) ** 0.5)
            self._swing[number] = self._swing[number] * (1 - _BACK) + kick
            calls = int(usual(number) * exp(self._swing[number]) + self._dice.random())
            took = calls * (1.0 + number % 7)
            total[0] += calls
            total[1] += took
            spent.append(took)
        return spent

    def rows(self) -> list[bytes]:
        """Return what the view says."""
        return [
            packed((_USER, _DATABASE, number, True, calls, took, *_REST))
            for number, (calls, took) in enumerate(self.totals)
        ]

    def top(self) -> set[int]:
        """Return those that ORDER BY total_exec_time DESC LIMIT 100 names."""
        ranked = sorted(range(_STATEMENTS), key=lambda n: self.totals[n][1])
        return set(ranked[-_TOP:])


def run(world: World) -> Iterator[Line]:
    """Let 5,000 statements change ranks for 200 polls; no server is needed."""
    world.say(f"{_STATEMENTS:,} statements change ranks for {_POLLS} polls")
    load, ledger = Load(), Ledger()
    sticky, plain = set[int](), set[int]()
    added = limited = 0
    spent: list[float] = []
    for poll in range(_POLLS):
        spent = load.work()
        ledger.update(_poll(load.rows()))
        now = {query for _, _, query in ledger.of if query is not None}
        top = load.top()
        if poll:
            added += len(now - sticky)
            limited += len(top - plain)
        sticky, plain = now, top
    hours = (_POLLS - 1) * _INTERVAL / 3600
    note = f"{added / hours:.1f} an hour; LIMIT {_TOP}: {limited / hours:.1f}"
    share = 100 * added / hours / _TOP
    yield Line("new series an hour, of the tracked", share, "%", most=1.0, note=note)
    shown = sum(spent[number] for number in sticky) / sum(spent)
    most = sum(sorted(spent)[-_TOP:]) / sum(spent)
    note = f"the {_TOP} of most time would have {100 * most:.0f} %"
    yield Line("time with a series of its own", 100 * shown, "%", note=note)


def _poll(rows: list[bytes]) -> Poll:
    return Poll(
        Origin(0.0, None),
        rows,
        {_DATABASE: "shop"},
        {_USER},
        set(),
        set(),
        _TOP,
        (1, 0),
        2,
        whole=True,
    )
