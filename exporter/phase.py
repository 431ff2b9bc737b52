"""Learns when scrapes come, and places polls just before them; pure, on given times."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

_REMEMBERED = 64
_SHORTEST_PERIOD = 0.2
_NEWS = 0.01  # seconds by which a scrape must miss its time to change any plan
_MOST_OFF = 0.3  # seconds; more, and scrapes every 15 s look like one every 5 minutes
_PATIENCE = 3.5  # periods without a scrape after which the scraper counts as gone


@dataclass(slots=True)
class Beat:
    """A scraper that was recognised: its latest scrape and its period, in seconds."""

    last: float
    period: float

    def matches(self, at: float) -> bool:
        """Whether a scrape at this time is one of this scraper's."""
        periods = round((at - self.last) / self.period)
        off = abs(at - self.last - periods * self.period)
        return periods >= 1 and off <= _tolerance(self.period)


class Scrapes:
    """The arrivals in one scope, and the one scraper among them that we follow.

    Arrivals are not told apart by address (two scrapers may share one): a scraper is
    any three arrivals at equal distances, and the first one found is kept until it
    stays away.
    """

    def __init__(self) -> None:
        self.beat: Beat | None = None
        self._arrivals: deque[float] = deque(maxlen=_REMEMBERED)

    def seen(self, at: float) -> bool:
        """Take in an arrival; returns whether plans should change."""
        beat = self.current(at)
        if beat is not None and beat.matches(at):
            periods = round((at - beat.last) / beat.period)
            if periods > 1 and (other := self._changed(beat, at)):
                self._arrivals.append(at)
                self.beat = other
                return True
            late = (at - beat.last) - periods * beat.period
            self.beat = Beat(at, beat.period + 0.2 * late / periods)
            self._arrivals.append(at)
            return abs(late) > _NEWS
        found = self._search(at) if beat is None else None
        self._arrivals.append(at)
        self.beat = found or beat
        return found is not None

    def current(self, now: float) -> Beat | None:
        """Return the scraper that is followed, unless it has stayed away."""
        beat = self.beat
        if beat is not None and now - beat.last > _PATIENCE * beat.period:
            self.beat = None
        return self.beat

    def _changed(self, beat: Beat, at: float) -> Beat | None:
        """Find what comes at another period since scrapes are missed, if anything.

        A scraper that went from 10 s to 15 s is at its old times every 30 s.
        """
        other = self._search(at)
        if other is None:
            return None
        return None if beat.matches(beat.last + other.period) else other

    def _search(self, at: float) -> Beat | None:
        for earlier in reversed(self._arrivals):
            period = at - earlier
            if period < _SHORTEST_PERIOD:
                continue
            near = _tolerance(period)
            if any(abs(earlier - period - other) <= near for other in self._arrivals):
                return Beat(at, period)
        return None


class Wish(NamedTuple):
    """How a target would be polled: every `interval`, `last` begun then (seconds).

    `lead` is how long before a scrape a poll must begin to be ready for it.
    """

    interval: float
    last: float
    lead: float = 0.0


def next_start(beat: Beat | None, wish: Wish, now: float) -> float:
    """Return when the next poll begins, so that it ends just before a coming scrape.

    Without a scraper, and the first time, that is simply one interval after the latest
    start. Of a scraper that comes more often than that, always the same scrapes are
    aimed at: the ones nearest to an interval after the latest start. When the scrape
    came before its poll had begun, that begins at once.
    """
    if beat is None or wish.last == float("-inf"):
        return max(now, wish.last + wish.interval)
    if beat.period >= wish.interval:
        # 15 s are 1.5 times 10 s, give or take what a measured period is off
        parts = max(1, round(beat.period / wish.interval + 0.1))
        step = apart = beat.period / parts
    else:
        apart = beat.period
        step = apart * math.ceil(wish.interval / apart - 0.1)
    anchor = beat.last - wish.lead

    def after(moment: float) -> float:
        return anchor + apart * max(0, math.ceil((moment - anchor) / apart - 1e-9))

    start = after(wish.last + step - apart / 2)
    if start < now <= start + _tolerance(beat.period):
        return now
    return max(start, after(now))


def _tolerance(period: float) -> float:
    return min(_MOST_OFF, max(0.05, 0.02 * period))
