"""What is awaited, and who was told that it does not come; pure, time is handed in."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_REMEMBERED = 20_000


RESEND = 60.0
"""Seconds after which Prometheus sends an alert again, unless its flags differ."""
_LEAST = 2.0  # resend delays: it sends at the first evaluation after one of them
_SURE = 3.5  # with rules evaluated as seldom, and Alertmanager's repeating


class Status(StrEnum):
    """What the second way is told."""

    LOST = "lost"
    WELL = "well"


def patience(interval: float, resend: float) -> float:
    """Return the seconds to wait for what Prometheus sends again after `resend`.

    That is `interval`, unless nothing can come so often: then what is enough by the
    routes of deploy/alertmanager, so that nobody is told of a loss that is none.
    """
    return interval if interval >= _LEAST * resend else _SURE * resend


@dataclass(slots=True)
class Awaited:
    """Something that must come at least once each `interval` seconds."""

    interval: float
    since: float
    last: float | None = None

    def came(self, now: float) -> None:
        """Take note that it came."""
        self.last = now

    def lost(self, now: float) -> bool:
        """Whether it has been away for longer than it may."""
        return self.silent(now) > self.interval

    def silent(self, now: float) -> float:
        """Return the seconds since it came, or since it is awaited."""
        return now - (self.since if self.last is None else self.last)


@dataclass(slots=True)
class Switch:
    """Tells once that something is lost, and once that it is well again.

    A call that failed is made again after 5 s, then ever later up to 5 min. When nobody
    could be told of a loss until it was over, nobody is told that it is.
    """

    told: bool = False
    again: float = 0.0
    tries: int = 0

    def due(self, now: float, *, lost: bool) -> Status | None:
        """Return what is to be told now, if anything."""
        if lost == self.told:
            self.again, self.tries = 0.0, 0
            return None
        if now < self.again:
            return None
        return Status.LOST if lost else Status.WELL

    def called(self, status: Status, now: float, *, worked: bool) -> None:
        """Take note of how a call went."""
        if worked:
            self.told = status is Status.LOST
            self.again, self.tries = 0.0, 0
            return
        self.again = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self.tries)
        self.tries = min(self.tries + 1, 10)


@dataclass(slots=True)
class Firsts:
    """Which alerts came for the first time, of those that began after `began`."""

    began: float
    _seen: OrderedDict[tuple[str, float], None] = field(default_factory=OrderedDict)

    def delay(self, fingerprint: str, starts: float, now: float) -> float | None:
        """Return the seconds from when an alert began to fire until it came first.

        None when it came before, or began before we did. All are Unix times.
        """
        key = (fingerprint, starts)
        if starts < self.began or key in self._seen:
            return None
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return max(0.0, now - starts)
