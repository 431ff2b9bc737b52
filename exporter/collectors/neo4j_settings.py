"""Settings that are limits of what other collectors measure.

neo4j_bolt_threads_max 400
neo4j_page_cache_size_bytes 6.7108864e+07
neo4j_transactions_memory_max_bytes 3.758096384e+08
neo4j_transactions_timeout_seconds 60

Read every five minutes. A limit that is off is absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, Cost, Finding, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Metric, Sample
    from exporter.sources.neo4j import Neo4jSource

QUERY = """
SHOW SETTINGS YIELD name, value WHERE name IN $names RETURN name, value"""
QUERY_OF_4 = """
CALL dbms.listConfig() YIELD name, value WHERE name IN $names RETURN name, value"""

_INTERVAL = 300.0
_SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_TIMES = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = {"": 1, **_SIZES, **_TIMES}
_PART = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")

THREADS = gauge(
    "neo4j_bolt_threads_max",
    "server.bolt.thread_pool_max_size of SHOW SETTINGS: requests served at a time.",
)
PAGE_CACHE = gauge(
    "neo4j_page_cache_size_bytes",
    "server.memory.pagecache.size of SHOW SETTINGS: bytes.",
)
MEMORY = gauge(
    "neo4j_transactions_memory_max_bytes",
    "dbms.memory.transaction.total.max of SHOW SETTINGS: bytes of all transactions.",
)
TIMEOUT = gauge(
    "neo4j_transactions_timeout_seconds",
    "db.transaction.timeout of SHOW SETTINGS: seconds after which one is ended.",
)
# The second name of each is 4.4's.
_NAMES: dict[str, Metric] = {
    "server.bolt.thread_pool_max_size": THREADS,
    "dbms.connector.bolt.thread_pool_max_size": THREADS,
    "server.memory.pagecache.size": PAGE_CACHE,
    "dbms.memory.pagecache.size": PAGE_CACHE,
    "dbms.memory.transaction.total.max": MEMORY,
    "dbms.memory.transaction.global_max_size": MEMORY,
    "db.transaction.timeout": TIMEOUT,
    "dbms.transaction.timeout": TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as the server writes it, with its unit."""

    name: str
    value: str | None


async def read(source: Neo4jSource) -> list[Setting]:
    """Read the settings that are known here."""
    query = QUERY_OF_4 if source.server.language == "4" else QUERY
    return await source.fetch(Setting, query, {"names": list(_NAMES)})


def samples(rows: list[Setting], _state: None) -> Iterator[Sample]:
    """Turn texts into numbers; what cannot be read is absent."""
    for row in rows:
        yield _NAMES[row.name](_number(row.value) or None)


def _number(text: str | None) -> float | None:
    """Read `64.00MiB`, `1m30s` or `400`; None for anything else."""
    parts = _PART.findall(text or "")
    if "".join(f"{amount}{unit}" for amount, unit in parts) != text:
        return None
    known = [(float(amount), _UNITS.get(unit)) for amount, unit in parts]
    if not known or any(unit is None for _, unit in known):
        return None
    return sum(amount * (unit or 0) for amount, unit in known)


async def inspect(source: Neo4jSource) -> list[Finding]:
    """Name the limits that are off, or that this version does not tell."""
    told = {one.metric for one in samples(await read(source), None) if one.value}
    return [
        Finding(f"{metric.name}: its setting is off, not set, or not in this version")
        for metric in COLLECTOR.metrics
        if metric not in told
    ]


COLLECTOR = Collector(
    name="settings",
    source=SourceKind.NEO4J,
    metrics=(THREADS, PAGE_CACHE, MEMORY, TIMEOUT),
    read=read,
    samples=samples,
    state=stateless,
    privilege="any user on Community; SHOW SETTING * ON DBMS on Enterprise",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
)
