"""What the demo writes: progress, then a table that refreshes or plain lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.live import Live

from exporter.demo import table

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from exporter.demo.table import Row


class Show:
    """Writes to one stream: a terminal gets a live table, anything else lines.

    As a context manager it keeps the table in place; what is said then goes above it.
    """

    def __init__(self, stdout: TextIO) -> None:
        """Measure the time that lines begin with from now."""
        self._console = Console(file=stdout, highlight=False, markup=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._started = time.monotonic()
        self.refreshes = self._console.is_terminal

    def say(self, text: str, style: str = "") -> None:
        """Write one line of progress, or several that belong together."""
        line = f"{self._seconds:6.1f} s  {text}"
        self._console.print(line, style=style, soft_wrap=True)

    def rows(self, title: str, found: list[Row]) -> None:
        """Show the latest rows."""
        if self.refreshes:
            self._live.update(table.table(title, found), refresh=True)
        else:
            self.say(table.line(title, found))

    def __enter__(self) -> Self:
        if self.refreshes:
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started
