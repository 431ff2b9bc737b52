"""What INFO says about a Redis or Valkey server.

redis_memory_used_bytes 1.118128e+06
redis_connected_clients 1
redis_keyspace_hits_total 1
redis_rdb_last_bgsave_status 1
redis_errors_total{err="WRONGTYPE"} 3
redis_role{role="master"} 1
redis_role_changes_total 0
redis_db_keys{db="db0"} 2
redis_master_link_up{master_host="10.0.0.1",master_port="6379"} 1
redis_connected_slave_lag_seconds{slave_ip="10.0.0.2",slave_port="6379",…} 0
redis_instance_info{role="master",redis_version="7.0.15",…} 1

The fields without labels are listed in `_redis_fields.py`. A database that INFO leaves
out is empty: it is shown as 0 once it was seen, and `db0` always.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind
from exporter.collectors._redis_fields import FIELDS
from exporter.collectors._redis_totals import OTHER, Totals
from exporter.metrics import counter, gauge
from exporter.sources.redis_text import Life, number, parse_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_MASTER = ("master_host", "master_port")
_SLAVE = ("slave_ip", "slave_port", "slave_state")
_INSTANCE = (
    *("role", "redis_version", "redis_build_id", "redis_mode", "os"),
    *("maxmemory_policy", "tcp_port", "run_id", "process_id", "master_replid"),
    *("valkey_version", "valkey_release_stage", "availability_zone"),
)
_ERROR_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,31}")
_ERROR = "errorstat_"
_TOP_ERRORS = 50
_THREAD = "used_active_time_io_thread_"
_SAME_START = 1.0  # seconds; uptime and clock are rounded apart

INSTANCE = gauge("redis_instance_info", "Server of INFO; always 1.", *_INSTANCE)
START = gauge(
    "redis_start_time_seconds",
    "server_time_usec less uptime_in_seconds of INFO: Unix time in seconds.",
)
THREAD = counter(
    "redis_active_time_io_thread_seconds_total",
    f"{_THREAD}N of INFO: seconds.",
    "thread",
)
ERRORS = counter(
    "redis_errors_total",
    "errorstat_CODE of INFO: error replies; codes that are no plain word, and those "
    "beyond the fifty most frequent, are summed as other.",
    "err",
)
ROLE = gauge("redis_role", "role of INFO: 1 for the one that the server has.", "role")
CHANGES = counter(
    "redis_role_changes_total",
    "role of INFO: polls that found another one than the poll before.",
)
KEYS = gauge("redis_db_keys", "keys of dbN of INFO: number of keys.", "db")
EXPIRING = gauge(
    "redis_db_keys_expiring", "expires of dbN of INFO: number of keys with a TTL.", "db"
)
CACHED = gauge(
    "redis_db_keys_cached", "cached_keys of dbN of INFO (KeyDB): number of keys.", "db"
)
TTL = gauge(
    "redis_db_avg_ttl_seconds", "avg_ttl of dbN of INFO: seconds, an estimate.", "db"
)
LINK_UP = gauge(
    "redis_master_link_up",
    "master_link_status of INFO, replicas only: 1 if up, else 0.",
    *_MASTER,
)
LAST_IO = gauge(
    "redis_master_last_io_seconds_ago",
    "master_last_io_seconds_ago of INFO, replicas only: seconds, -1 while down.",
    *_MASTER,
)
SYNCING = gauge(
    "redis_master_sync_in_progress",
    "master_sync_in_progress of INFO, replicas only: 1 if so, else 0.",
    *_MASTER,
)
SLAVE_OFFSET = gauge(
    "redis_slave_repl_offset",
    "slave_repl_offset of INFO, replicas only: bytes.",
    *_MASTER,
)
SLAVE_INFO = gauge(
    "redis_slave_info", "Replica of INFO; always 1.", *_MASTER, "read_only"
)
SLAVE_AT = gauge(
    "redis_connected_slave_offset_bytes", "offset of slaveN of INFO: bytes.", *_SLAVE
)
SLAVE_LAG = gauge(
    "redis_connected_slave_lag_seconds", "lag of slaveN of INFO: seconds.", *_SLAVE
)


@dataclass(slots=True)
class Seen:
    """The databases that ever had keys, the server's start and role, its errors.

    `polled` is the server's time when it was asked before.
    """

    databases: set[str] = field(default_factory=lambda: {"db0"})
    start: float | None = None
    polled: float | None = None
    role: str | None = None
    role_changes: int = 0
    errors: Totals = field(default_factory=lambda: Totals(width=1, top=_TOP_ERRORS))


async def read(source: RedisSource) -> dict[str, str]:
    """Read the default sections of INFO."""
    return await source.info()


def samples(fields: Mapping[str, str], state: Seen) -> Iterator[Sample]:
    """Turn fields into samples; a field that the version lacks is absent."""
    for name, metric, divisor in FIELDS:
        value = number(fields.get(name), divisor)
        if value is not None:
            yield metric(value)
    life = _life(fields, state.polled)
    yield from _server(fields, state)
    yield from _errors(fields, state.errors, life)
    yield from _role(fields, state)
    yield from _replication(fields)
    if _mode(fields) != "sentinel":
        yield from _databases(fields, state)


def _server(fields: Mapping[str, str], state: Seen) -> Iterator[Sample]:
    shown = {**fields, "redis_mode": _mode(fields)}
    yield INSTANCE(1, *(shown.get(name) for name in _INSTANCE))
    now = number(fields.get("server_time_usec"), 1_000_000)
    uptime = number(fields.get("uptime_in_seconds"))
    if now is not None and uptime is not None:
        start = now // 1 - uptime
        if state.start is None or abs(start - state.start) > _SAME_START:
            state.start = start
        yield START(state.start)
        state.polled = now
    for name, text in fields.items():
        if name.startswith(_THREAD):
            yield THREAD(number(text), name.removeprefix(_THREAD))


def _mode(fields: Mapping[str, str]) -> str | None:
    return fields.get("redis_mode") or fields.get("server_mode")


def _life(fields: Mapping[str, str], polled: float | None) -> Life:
    now = number(fields.get("server_time_usec"), 1_000_000) or 0
    uptime = number(fields.get("uptime_in_seconds")) or 0
    is_new = polled is None or now - uptime + 2 * _SAME_START >= polled
    return Life(fields.get("run_id"), is_new)


def _errors(fields: Mapping[str, str], totals: Totals, life: Life) -> Iterator[Sample]:
    totals.update(
        {
            name.removeprefix(_ERROR): (number(parse_pairs(text).get("count")) or 0.0,)
            for name, text in fields.items()
            if name.startswith(_ERROR)
        },
        life=life,
    )
    counts: Counter[str] = Counter()
    for code, (count,) in totals.shown():
        counts[code if _ERROR_CODE.fullmatch(code) else OTHER] += int(count)
    for code, count in counts.items():
        yield ERRORS(count, code)


def _role(fields: Mapping[str, str], state: Seen) -> Iterator[Sample]:
    role = fields.get("role")
    if role is None:
        return
    if state.role not in (None, role):
        state.role_changes += 1
    state.role = role
    yield CHANGES(state.role_changes)
    for known in sorted({"master", "slave", role}):
        yield ROLE(int(known == role), known)


def _replication(fields: Mapping[str, str]) -> Iterator[Sample]:
    if fields.get("role") == "slave":
        master = [fields.get(name) for name in _MASTER]
        yield LINK_UP(number(fields.get("master_link_status")), *master)
        yield LAST_IO(number(fields.get("master_last_io_seconds_ago")), *master)
        yield SYNCING(number(fields.get("master_sync_in_progress")), *master)
        yield SLAVE_OFFSET(number(fields.get("slave_repl_offset")), *master)
        yield SLAVE_INFO(1, *master, fields.get("slave_read_only"))
    yield from _replicas(fields)


def _replicas(fields: Mapping[str, str]) -> Iterator[Sample]:
    """Show each replica; of several behind one address, the one furthest behind."""
    replicas = defaultdict(list)
    index = 0
    while (text := fields.get(f"slave{index}")) is not None:
        slave = parse_pairs(text)
        labels = (slave.get("ip"), slave.get("port"), slave.get("state"))
        replicas[labels].append((number(slave.get("offset")), number(slave.get("lag"))))
        index += 1
    for labels, found in replicas.items():
        offsets, lags = zip(*found, strict=True)
        yield SLAVE_AT(min(filter(_is_known, offsets), default=None), *labels)
        yield SLAVE_LAG(max(filter(_is_known, lags), default=None), *labels)


def _is_known(value: float | None) -> bool:
    return value is not None


def _databases(fields: Mapping[str, str], state: Seen) -> Iterator[Sample]:
    state.databases.update(
        name for name in fields if name.startswith("db") and name[2:].isdigit()
    )
    for name in sorted(state.databases):
        database = parse_pairs(fields.get(name, "keys=0,expires=0"))
        yield KEYS(number(database.get("keys")), name)
        yield EXPIRING(number(database.get("expires")), name)
        yield CACHED(number(database.get("cached_keys")), name)
        yield TTL(number(database.get("avg_ttl"), 1000), name)


COLLECTOR = Collector(
    name="info",
    source=SourceKind.REDIS,
    metrics=(
        *(row.metric for row in FIELDS),
        *(
            INSTANCE,
            START,
            THREAD,
            ERRORS,
            ROLE,
            CHANGES,
            KEYS,
            EXPIRING,
            CACHED,
            TTL,
            LINK_UP,
        ),
        *(LAST_IO, SYNCING, SLAVE_OFFSET, SLAVE_INFO, SLAVE_AT, SLAVE_LAG),
    ),
    read=read,
    samples=samples,
    state=Seen,
    privilege="ACL: +info",
)
