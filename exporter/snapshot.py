"""Keeps what the latest good polls said, as bytes that are ready to be served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.evidence import Book
from exporter.exposition import Page, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from exporter.metrics import Metric


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
        self._names: list[str] = []  # of the families, in the page's order; or empty
        self._headers: dict[str, bytes] = {}
        self._said: dict[tuple[str, str], tuple[str, ...]] = {}
        self._pages: dict[str | None, tuple[bytes, Page]] = {}
        self._read = False

    def put(self, target: str, collector: str, lines: dict[Metric, bytes]) -> None:
        """Replace all that a collector said about a target."""
        place = (target, collector)
        said = tuple([metric.name for metric in lines])
        if said != self._said.get(place):
            self.drop(target, collector)
            self._said[place] = said
            self._names = []
        for metric, text in lines.items():
            name = metric.name
            if name not in self._families:
                self._families[name] = {}
                self._headers[name] = header(metric)
            self._families[name][place] = text
        self._forget_pages(target)

    def drop(self, target: str, collector: str) -> None:
        """Forget what a collector said, so that no value outlives its truth."""
        place = (target, collector)
        for name in self._said.pop(place, ()):
            family = self._families[name]
            del family[place]
            if not family:
                del self._families[name], self._headers[name]
                self._names = []
        self._forget_pages(target)

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

    def _forget_pages(self, target: str) -> None:
        self._pages.pop(None, None)
        self._pages.pop(target, None)

    def _lines(self, target: str | None) -> Iterator[bytes]:
        self._names = self._names or sorted(self._families)
        for name in self._names:
            said = self._families[name]
            lines: Iterable[bytes] = said.values()
            if target is not None:
                lines = [text for place, text in said.items() if target == place[0]]
            if lines:
                yield self._headers[name]
                yield from lines
