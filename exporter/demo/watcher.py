"""Reads the pages of exporter and application again and again, and shows the rows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

import aiohttp

from exporter.demo.page import Change, Page
from exporter.demo.settings import INTERVAL
from exporter.demo.table import (
    APPLICATION_NAMES,
    EXPORTER_NAMES,
    Row,
    application_row,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.demo.show import Show

_PATIENCE = aiohttp.ClientTimeout(total=3)
_REFRESH_SECONDS = 1.0
_READINGS = 4  # rates are over three intervals, so that they jump less


class Readings:
    """The latest readings of one page, and why the last attempt failed if it did."""

    def __init__(self, url: str, names: frozenset[str]) -> None:
        """Keep the address; nothing is read yet."""
        self._url = url
        self._names = names
        self._pages: deque[Page] = deque(maxlen=_READINGS)
        self.failure: str | None = None

    async def read(self, session: aiohttp.ClientSession) -> None:
        """Read the page once more; a failure is remembered, not raised."""
        try:
            async with session.get(self._url, raise_for_status=True) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failure = f"no answer: {str(error) or type(error).__name__}"
            return
        self.failure = None
        self._pages.append(Page(text, time.monotonic(), self._names))

    @property
    def change(self) -> Change | None:
        """The oldest kept reading and the latest; None before the first."""
        return Change(self._pages[0], self._pages[-1]) if self._pages else None


class Watcher:
    """Shows both pages until cancelled; `title` is asked for at each showing."""

    def __init__(self, exporter: str, application: str) -> None:
        """Keep the base addresses."""
        self._exporter = Readings(f"{exporter}/metrics", EXPORTER_NAMES)
        self._application = Readings(f"{application}/metrics", APPLICATION_NAMES)

    async def run(self, show: Show, title: Callable[[], str]) -> None:
        """Read every interval, and show what was read, on a terminal every second."""
        pause = _REFRESH_SECONDS if show.refreshes else INTERVAL
        due = time.monotonic()
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            while True:
                if time.monotonic() >= due:
                    due += INTERVAL
                    await self._exporter.read(session)
                    await self._application.read(session)
                show.rows(title(), self._rows())
                await asyncio.sleep(min(pause, max(0, due - time.monotonic())))

    def _rows(self) -> list[Row]:
        found = []
        change = self._exporter.change
        if self._exporter.failure:
            found.append(Row("exporter", "", self._exporter.failure, None, ""))
        elif change:
            found += rows(change, time.time())
        change = self._application.change
        if self._application.failure:
            found.append(Row("application", "", self._application.failure, None, ""))
        elif change:
            found.append(application_row(change))
        return found
