"""How long single statements took in the last minutes, for the evidence page.

No series: those on which most time was spent in a poll are followed, with the same
estimate and the same certain bounds as the histogram of their database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

from exporter.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.collectors._postgres_account import Account
    from exporter.collectors._postgres_memory import Key

KPIS = ("db_query_p95", "db_query_certainly_slow", "pg_statement_mean")
LIMIT = 0.1  # seconds
_POLLS = 20  # after which the older half is forgotten
_MOST = 50  # statements a poll; they come with those of most time first
_SHOWN = 20


class _Figures(NamedTuple):
    calls: int
    seconds: float
    mean: float
    p95: float
    least: int
    slower: int
    most: int


@dataclass(slots=True)
class Slowest:
    """The accounts of statements: of the polls now, and of those before."""

    _now: dict[Key, Account] = field(default_factory=dict)
    _before: dict[Key, Account] = field(default_factory=dict)
    _polls: int = 0
    _new: int = 0

    def turn(self) -> None:
        """Begin a poll."""
        self._polls += 1
        self._new = 0
        if self._polls % _POLLS == 0:
            self._now, self._before = {}, self._now

    def account(self, key: Key, made: Callable[[], Account]) -> Account | None:
        """Return the account to add to of a statement, None if it is not followed."""
        self._new += 1
        if key not in self._now and self._new <= _MOST:
            self._now[key] = made()
        return self._now.get(key)

    def table(
        self,
        databases: Mapping[int, str],
        users: Mapping[int, str],
        texts: Mapping[int, str],
    ) -> Evidence:
        """Name statements with most slow calls, then those with most time."""
        keys = {key for key in (*self._now, *self._before) if key[1] in databases}
        ranked = nsmallest(_SHOWN, keys, key=self._rank)
        rows = tuple(
            (
                *(databases[key[1]], users.get(key[0]), str(key[2])),
                *self._figures(key),
                texts.get(key[2]),
            )
            for key in ranked
        )
        return Evidence(
            KPIS,
            "How long statements took in the last minutes",
            (
                *("database", "user", "query_id", "calls", "seconds", "mean_seconds"),
                *("p95_seconds_estimated", "above_100_ms_at_least", "estimated"),
                *("at_most", "statement"),
            ),
            rows,
        )

    def _rank(self, key: Key) -> tuple[float, float]:
        parts = self._parts(key)
        slower = sum([part.slower[LIMIT].estimate for part in parts])
        return -round(slower), -sum([part.seconds for part in parts])

    def _parts(self, key: Key) -> list[Account]:
        return [part[key] for part in (self._now, self._before) if key in part]

    def _figures(self, key: Key) -> _Figures:
        parts = self._parts(key)
        calls = sum(part.calls for part in parts)
        seconds = sum(part.seconds for part in parts)
        slower = [part.slower[LIMIT] for part in parts]
        return _Figures(
            calls,
            seconds,
            seconds / calls if calls else 0.0,
            max(parts, key=lambda part: part.calls).quantile(0.95),
            sum(one.least for one in slower),
            round(sum(one.estimate for one in slower)),
            sum(one.most for one in slower),
        )
