"""How often the page cache of Neo4j Enterprise has what is asked for.

neo4j_page_cache_hits_total 918273
neo4j_page_cache_faults_total 412
neo4j_page_cache_usage_ratio 0.93

Out of the beans of its metrics, which are on unless `server.metrics.jmx.enabled` (4.4:
`metrics.jmx.enabled`) is false. The hit ratio is hits by hits and faults, over the time
one asks about. Community counts none of it; what a watched query finds there is in the
collector `plans`, and what runs now in `transactions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, Finding, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Metric, Sample
    from exporter.sources.neo4j import Neo4jSource

# Before the name stand a prefix that can be set and, as the version has it, `dbms`.
QUERY = """
UNWIND $names AS name
CALL dbms.queryJmx('neo4j.metrics:name=*.page_cache.' + name + ',*') YIELD attributes
RETURN name, coalesce(attributes.Count.value, attributes.Value.value) AS value"""

_COMMUNITY = "community"

HITS = counter(
    "neo4j_page_cache_hits_total",
    "page_cache.hits of dbms.queryJmx: pages found in memory; Enterprise.",
)
FAULTS = counter(
    "neo4j_page_cache_faults_total",
    "page_cache.page_faults of dbms.queryJmx: pages that had to be loaded; Enterprise.",
)
USAGE = gauge(
    "neo4j_page_cache_usage_ratio",
    "page_cache.usage_ratio of dbms.queryJmx: used pages by all; Enterprise.",
)
_NAMES: dict[str, Metric] = {"hits": HITS, "page_faults": FAULTS, "usage_ratio": USAGE}


@dataclass(frozen=True, slots=True)
class Figure:
    """One bean: the last part of its name, and its figure."""

    name: str
    value: float | None


async def read(source: Neo4jSource) -> list[Figure]:
    """Read the beans; Community has none and is not asked."""
    if source.server.edition == _COMMUNITY:
        return []
    return await source.fetch(Figure, QUERY, {"names": [*_NAMES]})


def samples(figures: list[Figure], _state: None) -> Iterator[Sample]:
    """Turn figures into samples; those that are filtered out there are absent."""
    for figure in figures:
        yield _NAMES[figure.name](figure.value)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Say that the edition does not count, or that its beans are off."""
    if source.server.edition == _COMMUNITY:
        return [
            Finding(
                "page cache hits and faults of the whole server, and the size of its "
                "store: Community does not tell (the pages of watched queries are told)"
            )
        ]
    told = {figure.name for figure in await read(source) if figure.value is not None}
    return [
        Finding(
            f"page_cache.{name}: there is no such bean",
            f"server.metrics.jmx.enabled=true, and *page_cache.{name} in "
            "server.metrics.filter (4.4: metrics.…)",
        )
        for name in _NAMES
        if name not in told
    ]


COLLECTOR = Collector(
    name="page_cache",
    source=SourceKind.NEO4J,
    metrics=(HITS, FAULTS, USAGE),
    read=read,
    samples=samples,
    state=stateless,
    privilege="EXECUTE PROCEDURE dbms.queryJmx on Enterprise; Community tells nothing",
    inspect=inspect,
)
