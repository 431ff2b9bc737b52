"""The shape of a collector; no collector lives here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from exporter.evidence import Evidence
    from exporter.metrics import Metric, Sample

SourceT = TypeVar("SourceT", bound=Any)
RowsT = TypeVar("RowsT")
StateT = TypeVar("StateT")


class SourceKind(StrEnum):
    """A kind of system; also the key of its targets in the configuration."""

    POSTGRES = "postgres"
    NEO4J = "neo4j"
    REDIS = "redis"
    HOST = "host"


class Cost(StrEnum):
    """How dear a poll is to the server; costly ones stretch when over budget."""

    CHEAP = "cheap"
    COSTLY = "costly"


class Finding(NamedTuple):
    """Something `kpi-exporter check` reports: what is missing and what mends it.

    Without a fix this server cannot have it, by its edition: no fault of anybody's.
    """

    missing: str
    fix: str = ""


def stateless() -> None:
    """Stand for the state of a collector that remembers nothing between polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector(Generic[SourceT, RowsT, StateT]):
    """One subject of one source: what is read, and what it means.

    `read` touches the server and decides nothing; `samples` decides everything and
    touches nothing. `read` returns all that `samples` needs, settings of the target
    (`source.config`) included. `state` makes the object that one target keeps between
    polls. Does-not-apply (version, edition, role) is success without samples.
    `interval` is in seconds; without it the collector follows its target's interval.
    `inspect` tells `kpi-exporter check` what works with less than it could. `evidence`
    makes tables for the evidence page from the same rows, after `samples`.
    """

    name: str
    source: SourceKind
    metrics: tuple[Metric, ...]
    read: Callable[[SourceT], Awaitable[RowsT]]
    samples: Callable[[RowsT, StateT], Iterable[Sample]]
    state: Callable[[], StateT]
    privilege: str
    cost: Cost = Cost.CHEAP
    interval: float | None = None
    inspect: Callable[[SourceT], Awaitable[list[Finding]]] | None = None
    evidence: Callable[[RowsT], Iterable[Evidence]] | None = None


AnyCollector = Collector[Any, Any, Any]
