"""Keeps what the latest good polls said, as bytes that are ready to be served."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from exporter.evidence import Book
from exporter.exposition import Page, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.metrics import Metric

_header = cache(header)


class Snapshot:
    """The lines of each (family, target, collector), joined to pages.

    `target` and `collector` name who said it; a page is joined once per change.
    `evidence` is what goes with it for people.
    """

    def __init__(self, own: Callable[[], bytes] = bytes) -> None:
        """Take the way to the metrics of our own process, first on the whole page."""
        self._own = own
        self.evidence = Book()
        self._families: dict[str, dict[tuple[str, str], bytes]] = {}
        self._metrics: dict[str, Metric] = {}
        self._said: dict[tuple[str, str], tuple[str, ...]] = {}
        self._pages: dict[str | None, tuple[bytes, Page]] = {}
        self._read = False

    def put(self, target: str, collector: str, lines: dict[Metric, bytes]) -> None:
        """Replace all that a collector said about a target."""
        self.drop(target, collector)
        place = (target, collector)
        for metric, text in lines.items():
            self._metrics.setdefault(metric.name, metric)
            self._families.setdefault(metric.name, {})[place] = text
        self._said[place] = tuple(metric.name for metric in lines)

    def drop(self, target: str, collector: str) -> None:
        """Forget what a collector said, so that no value outlives its truth."""
        place = (target, collector)
        for name in self._said.pop(place, ()):
            family = self._families[name]
            del family[place]
            if not family:
                del self._families[name]
        self._pages.pop(None, None)
        self._pages.pop(target, None)

    def remove(self, target: str) -> None:
        """Forget a target altogether."""
        self.evidence.remove(target)
        for place in [place for place in self._said if place[0] == target]:
            self.drop(*place)

    def page(self, target: str | None = None) -> Page:
        """Return everything, or what was said about one target.

        Raises KeyError for a target that nothing was said about.
        """
        self._read |= target is None
        return self._page(target)

    def prepare(self) -> None:
        """Join and compress the whole page, if it was read since the last time."""
        if self._read:
            self._read = False
            _ = self._page(None).gzip

    def _page(self, target: str | None) -> Page:
        own = self._own() if target is None else b""
        page = self._pages.get(target)
        if page is None or page[0] is not own:
            lines = [own, *self._lines(target)]
            if target is not None and lines == [own]:
                raise KeyError(target)
            page = self._pages[target] = (own, Page(lines))
        return page[1]

    def _lines(self, target: str | None) -> Iterator[bytes]:
        for name in sorted(self._families):
            said = self._families[name].items()
            lines = [
                text for place, text in said if target is None or target == place[0]
            ]
            if lines:
                yield _header(self._metrics[name])
                yield from lines
