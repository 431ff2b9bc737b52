"""Keeps every notification with its time, and what fires now."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.demo.alerting.notice import Notice

_LOOK_EVERY = 0.1


class Entry(NamedTuple):
    """A notification, when it arrived (Unix time), and why it is true of the machine.

    `seen` is what a witness saw of it at that moment; None when nothing.
    """

    at: float
    notice: Notice
    seen: str | None


class Book:
    """What arrived at the webhook."""

    def __init__(self, saw: Callable[[Notice], str | None]) -> None:
        self.entries: list[Entry] = []
        self._saw = saw
        self._firing: dict[frozenset[tuple[str, str]], Notice] = {}

    def arrived(self, notice: Notice) -> None:
        """Note a notification."""
        self.entries.append(Entry(time.time(), notice, self._saw(notice)))
        key = frozenset(notice.labels.items())
        if notice.firing:
            self._firing[key] = notice
        else:
            self._firing.pop(key, None)

    @property
    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {notice.name for notice in self._firing.values()}

    def fires(self, name: str) -> Notice | None:
        """Return the notice of an alert that fires now."""
        return next((n for n in self._firing.values() if n.name == name), None)

    def since(self, moment: float) -> list[Entry]:
        """Return what began to fire after a moment."""
        return [e for e in self.entries if e.at >= moment and e.notice.firing]

    async def until(self, look: Callable[[], bool], patience: float) -> bool:
        """Wait until something is so; returns whether it came to be."""
        deadline = time.monotonic() + patience
        while not look():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_LOOK_EVERY)
        return True
