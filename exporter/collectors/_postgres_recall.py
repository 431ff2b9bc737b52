"""Decides which rows of pg_stat_statements the server may leave out next time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors._postgres_rows import PRINT
from exporter.sources.postgres_kept import prints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.collectors._postgres_statements_info import Info
    from exporter.sources.postgres_kept import Kept


@dataclass(slots=True)
class Recall:
    """Lets a read bring all rows where many may be gone, and what changed elsewhere.

    Rows go when the view is full or is reset, and with another server. Version 13 does
    not tell, so that all rows come at each poll. Single rows that go are named by the
    server. All of them at once take 3 MiB for a moment.
    """

    _signs: tuple[float | None, ...] | None = None

    def note(self, kept: Kept, rows: Iterable[bytes], info: Info) -> None:
        """Tell the next read what is kept."""
        signs = (info.started, info.reset, info.dealloc)
        same = info.dealloc is not None and self._signs in (None, signs)
        self._signs = signs
        if same:
            kept.prints = prints([raw[PRINT] for raw in rows])
        else:
            kept.forget()
