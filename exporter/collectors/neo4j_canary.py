"""How long a query takes that reads nothing: the way to the server and back.

neo4j_canary_duration_seconds_bucket{le="0.01"} 240

It sees what every query of every client has to pass: network, threads, planner, pauses
for garbage collection. Each round of polls begins with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind
from exporter.metrics import Histogram, histogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

_BOUNDS = (
    *(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0),
)

DURATION = histogram(
    "neo4j_canary_duration_seconds",
    "Wall time of RETURN 1 on the first of the configured databases: seconds.",
)


async def read(source: Neo4jSource) -> float:
    """Take the time of the query that the round began with."""
    return await source.round_trip()


def samples(seconds: float, state: Histogram) -> Iterator[Sample]:
    """Add one time to those so far."""
    state.observe(seconds)
    yield from DURATION.histogram(state)


def _empty() -> Histogram:
    return Histogram(_BOUNDS)


COLLECTOR = Collector(
    name="canary",
    source=SourceKind.NEO4J,
    metrics=(DURATION,),
    read=read,
    samples=samples,
    state=_empty,
    privilege="any user on Community; ACCESS ON DATABASE on Enterprise",
)
