"""What a Redis or Valkey server uses its memory for, and what limits it.

redis_memory_area_bytes{area="dataset"} 1.8792e+07
redis_memory_area_bytes{area="clients_normal"} 37658
redis_memory_limit_bytes{limited_by="maxmemory"} 1.048576e+08
redis_db_overhead_bytes{db="db0"} 72
redis_key_mean_bytes 188200

The areas sum up to what is allocated; what a version later than ours counts apart is in
`other`. Without maxmemory, the limit is that of the
server's control group, where it runs on our machine in one, and else the memory of its
host, which is what INFO calls total_system_memory, also in a container elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge
from exporter.sources.redis_text import number, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_AREAS = {
    "startup.allocated": "startup",
    "replication.backlog": "replication_backlog",
    "replica.fullsync.buffer": "replication_buffer",  # Redis 8
    "replicas.repl.buffer": "replication_buffer",  # Valkey 9.1
    "clients.slaves": "clients_replicas",
    "clients.normal": "clients_normal",
    "cluster.links": "cluster_links",
    "cluster.slot_import": "cluster_slot_import",
    "cluster.slot_export": "cluster_slot_export",
    "aof.buffer": "aof_buffer",
    "lua.caches": "scripts",
    "functions.caches": "functions",
    "script.VMs": "script_engines",
    "dataset.bytes": "dataset",
}
_DATABASE = "db."
_TABLES = "overhead."
_ALL = "total.allocated"

AREA = gauge(
    "redis_memory_area_bytes",
    "MEMORY STATS, its own part of INFO memory: bytes; together all that is allocated.",
    "area",
)
LIMIT = gauge(
    "redis_memory_limit_bytes",
    "maxmemory of INFO, else the limit of the control group, else total_system_memory: "
    "bytes that the server may use.",
    "limited_by",
)
OVERHEAD = gauge(
    "redis_db_overhead_bytes",
    "db.N of MEMORY STATS, read beside INFO: bytes of its tables of keys and expiries.",
    "db",
)
MEAN = gauge(
    "redis_key_mean_bytes",
    "keys.bytes-per-key of MEMORY STATS, read beside INFO: bytes, overhead included.",
)


class Rows(NamedTuple):
    """INFO memory, MEMORY STATS, and the limit of the control group in bytes."""

    fields: Mapping[str, str]
    stats: Mapping[str, Any]
    cgroup: int | None


async def read(source: RedisSource) -> Rows:
    """Read INFO memory and MEMORY STATS; a sentinel has neither keys nor the latter."""
    if await source.mode() == "sentinel":
        return Rows({}, {}, None)
    server = await source.server()
    return Rows(
        await source.info("memory"),
        table(await source.execute("MEMORY", "STATS")),
        source.cgroup_limit(server.get("process_id", "")),
    )


def samples(rows: Rows, state: None) -> Iterator[Sample]:
    """Turn what was read into areas and one limit."""
    del state
    yield from _limit(rows)
    tables = known = 0
    for name, value in rows.stats.items():
        if name in _AREAS:
            known += value
            yield AREA(value, _AREAS[name])
        elif name.startswith(_DATABASE) and isinstance(value, list):
            size = sum(
                part for what, part in table(value).items() if what.startswith(_TABLES)
            )
            tables += size
            yield OVERHEAD(size, name.replace(".", ""))
    if rows.stats:
        yield AREA(tables, "key_tables")
        yield AREA(rows.stats.get(_ALL, known + tables) - known - tables, "other")
        yield MEAN(rows.stats.get("keys.bytes-per-key"))


def _limit(rows: Rows) -> Iterator[Sample]:
    configured = number(rows.fields.get("maxmemory"))
    if configured:
        yield LIMIT(configured, "maxmemory")
        return
    host = number(rows.fields.get("total_system_memory")) or None
    found = {"cgroup": rows.cgroup, "host": host}
    known = {by: limit for by, limit in found.items() if limit is not None}
    if known:
        least = min(known, key=lambda by: known[by])
        yield LIMIT(known[least], least)


COLLECTOR = Collector(
    name="memory",
    source=SourceKind.REDIS,
    metrics=(AREA, LIMIT, OVERHEAD, MEAN),
    read=read,
    samples=samples,
    state=stateless,
    privilege="ACL: +info +memory|stats",
)
