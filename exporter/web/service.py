"""What the web part needs from the rest of the process: a few small shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config import Config
    from exporter.errors import Reason
    from exporter.evidence import Kept
    from exporter.review.shape import Answer, Asked


BASE = "/api/mcp/performance"
"""Where the platforms' API is."""
CHOICES = {
    "verdict": ("broken", "undecidable", "no data", "kept", "shown"),
    "source": ("redis", "postgres"),
}
"""What filters of the API may ask for, where that is a closed set."""
MOST_ITEMS = 500
MOST_OFFSET = 1_000_000


class Page(Protocol):
    """One exposition as bytes that are ready to send."""

    @property
    def plain(self) -> bytes:
        """The text as it is."""

    @property
    def gzip(self) -> bytes:
        """The same text, compressed."""


class Snapshot(Protocol):
    """What the latest good polls said."""

    def page(self, target: str | None = None) -> Page:
        """Return everything, or one target's part; KeyError for an unknown target."""


class CollectorStatus(NamedTuple):
    """How one collector's latest poll went; `None` means not polled yet.

    `age_seconds` counts from the last success; `duration_seconds` is what the poll
    took.
    """

    name: str
    ok: bool | None
    reason: Reason | None = None
    message: str = ""
    age_seconds: float | None = None
    duration_seconds: float | None = None
    series: int = 0


class TargetStatus(NamedTuple):
    """One configured system; `up` is `None` until it has been polled."""

    target: str
    source: str
    up: bool | None
    collectors: Sequence[CollectorStatus] = ()


class Item(NamedTuple):
    """One item of the platforms' API: what it is chosen by, and itself as JSON.

    `mean_seconds` is that of a statement.
    """

    fields: Mapping[str, str]
    text: str
    mean_seconds: float = 0.0


class Figures(Protocol):
    """What the platforms' API says of this moment.

    `end` is when they were seen, and `report` all of a report but its KPIs, as JSON.
    """

    @property
    def end(self) -> str:
        """When they were seen, in the form of ISO 8601."""

    @property
    def report(self) -> str:
        """All of a report but its KPIs, as a JSON object."""

    @property
    def items(self) -> Mapping[str, Sequence[Item]]:
        """The lists `kpis`, `metrics`, `statements` and `caches`."""


class Service(Protocol):
    """The process behind the pages; each attribute may change with a reload."""

    @property
    def config(self) -> Config:
        """The configuration in force."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that is served."""

    def own_page(self) -> Page:
        """Return the exposition of our own process."""

    def runbook(self, name: str) -> str | None:
        """Return a KPI's page in Markdown, the list of all for ""; None for others."""

    def ready(self) -> tuple[bool, str]:
        """Say whether every target was polled at least once, in words too."""

    async def reload(self) -> None:
        """Read the configuration again; ConfigError keeps the old one in force."""

    def scraped(self, scope: str | None, remote: str | None) -> None:
        """Take note that a scrape begins: of one target, or of everything (`None`)."""

    def evidence(self, target: str, kpi: str | None) -> tuple[float, Sequence[Kept]]:
        """Return the time now (Unix) and what names causes at a target, newest first.

        `kpi` asks for one KPI's. Raises KeyError for an unknown target.
        """

    def kpis(self) -> Sequence[str]:
        """Return the ids of all KPIs."""

    async def performance(self) -> Figures:
        """Return this moment's figures for the platforms' API."""

    async def review(self, asked: Asked) -> Answer:
        """Review a text without running it; raises ReviewError."""

    def status(self) -> Sequence[TargetStatus]:
        """Return every target with its collectors, for the page that people read."""
