"""The few values of each collector that a person looks at first; pure text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.demo.page import Change

    Headline = Callable[[Change, str], list[str | None]]

NAMES = frozenset(
    {
        "neo4j_index_expected",
        "neo4j_index_state",
        "neo4j_plan_db_hits",
        "neo4j_plan_scan",
        "node_cpu_seconds_total",
        "node_filesystem_avail_bytes",
        "node_filesystem_size_bytes",
        "node_load1",
        "node_memory_MemAvailable_bytes",
        "node_memory_MemTotal_bytes",
        "node_process_group_cpu_seconds_total",
        "pg_settings_max_connections",
        "pg_stat_activity_count",
        "pg_stat_database_blks_hit",
        "pg_stat_database_blks_read",
        "pg_stat_database_xact_commit",
        "pg_stat_database_xact_rollback",
        "pg_stat_statements_calls_total",
        "pg_stat_statements_query_id",
        "pg_stat_statements_seconds_total",
        "redis_commands_duration_seconds_total",
        "redis_commands_processed_total",
        "redis_commands_total",
        "redis_keyspace_hits_total",
        "redis_keyspace_misses_total",
        "redis_memory_max_bytes",
        "redis_memory_used_bytes",
    }
)
_TEXT_WIDTH = 64


def percent(ratio: float | None) -> str:
    """Write a ratio as a percentage; a dash for one that is not known."""
    return "-" if ratio is None else f"{ratio * 100:.3g} %"


def milliseconds(seconds: float | None) -> str:
    """Write seconds, mostly as milliseconds; a dash for what is not known."""
    if seconds is None:
        return "-"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def rate(per_second: float | None, unit: str) -> str | None:
    """Write a rate; None when it is not known."""
    return None if per_second is None else f"{per_second:.0f} {unit}/s"


def _stat_database(page: Change, target: str) -> list[str | None]:
    hits = page.of("pg_stat_database_blks_hit", target=target)
    reads = page.of("pg_stat_database_blks_read", target=target)
    commits = page.per_second("pg_stat_database_xact_commit", target=target)
    rollbacks = page.per_second("pg_stat_database_xact_rollback", target=target)
    found = None if hits is None or reads is None else hits + reads
    return [
        rate(commits, "commits"),
        rate(rollbacks, "rollbacks") if rollbacks else None,
        f"blocks in memory {percent(hits / found)}" if hits and found else None,
    ]


def _activity(page: Change, target: str) -> list[str | None]:
    name = "pg_stat_activity_count"
    clients = {"target": target, "backend_type": "client backend"}
    used = page.now.total(name, **clients)
    if used is None:
        return []
    most = page.now.total("pg_settings_max_connections", target=target)
    waiting = page.now.total(name, **clients, wait_event_type="Lock")
    idle = page.now.total(name, **clients, state="idle in transaction")
    return [
        f"{used:.0f} of {most:.0f} connections" if most else f"{used:.0f} connections",
        f"{waiting:.0f} waiting for a lock" if waiting else None,
        f"{idle:.0f} idle in transaction" if idle else None,
    ]


def _statements(page: Change, target: str) -> list[str | None]:
    calls = page.of("pg_stat_statements_calls_total", target=target)
    took = page.of("pg_stat_statements_seconds_total", target=target)
    if not calls or not took:
        return []
    by_id = page.by("pg_stat_statements_seconds_total", "queryid", target=target)
    by_id.pop("other", None)
    top = max(by_id, key=lambda key: by_id[key], default="")
    texts = page.now.each("pg_stat_statements_query_id", target=target, queryid=top)
    text = next((found.labels.get("query", top) for found in texts), top)
    seconds = page.now.moment - page.before.moment
    return [
        f"{calls / seconds:.0f} statements/s, mean {milliseconds(took / calls)}",
        f"top {percent(by_id.get(top, 0) / took)}: {text[:_TEXT_WIDTH]}",
    ]


def _redis_info(page: Change, target: str) -> list[str | None]:
    hits = page.of("redis_keyspace_hits_total", target=target)
    misses = page.of("redis_keyspace_misses_total", target=target)
    used = page.now.total("redis_memory_used_bytes", target=target)
    most = page.now.total("redis_memory_max_bytes", target=target)
    commands = page.per_second("redis_commands_processed_total", target=target)
    looked = None if hits is None or misses is None else hits + misses
    return [
        rate(commands, "commands"),
        f"hits {percent(hits / looked)}" if hits is not None and looked else None,
        f"memory {percent(used / most)}" if used and most else None,
    ]


def _redis_commandstats(page: Change, target: str) -> list[str | None]:
    took = page.by("redis_commands_duration_seconds_total", "cmd", target=target)
    calls = page.by("redis_commands_total", "cmd", target=target)
    if not took:
        return []
    top = max(took, key=lambda cmd: took[cmd])
    each = took[top] / calls[top] if calls.get(top) else None
    return [f"most time: {top}, {milliseconds(each)} a call"]


def _indexes(page: Change, target: str) -> list[str | None]:
    every = page.now.total("neo4j_index_state", target=target)
    online = page.now.total("neo4j_index_state", target=target, state="online")
    missing = page.now.total("neo4j_index_expected", target=target, status="missing")
    return [
        f"{online or 0:.0f} of {every:.0f} online" if every else None,
        f"{missing:.0f} expected one missing" if missing else None,
    ]


def _plans(page: Change, target: str) -> list[str | None]:
    hits = list(page.now.each("neo4j_plan_db_hits", target=target))
    scans = page.now.each("neo4j_plan_scan", target=target)
    scanning = sorted(found.labels.get("query", "") for found in scans if found.value)
    worst = max(hits, key=lambda found: found.value, default=None)
    return [
        f"{', '.join(scanning)} without an index" if scanning else None,
        f"worst: {worst.labels.get('query')}, {worst.value:.0f} hits"
        if worst
        else None,
    ]


def _cpu(page: Change, target: str) -> list[str | None]:
    every = page.of("node_cpu_seconds_total", target=target)
    idle = page.of("node_cpu_seconds_total", target=target, mode="idle")
    ratio = page.share(idle, every)
    return [None if ratio is None else f"CPU {percent(1 - ratio)} busy"]


def _memory(page: Change, target: str) -> list[str | None]:
    free = page.now.total("node_memory_MemAvailable_bytes", target=target)
    every = page.now.total("node_memory_MemTotal_bytes", target=target)
    ratio = page.share(free, every)
    return [None if ratio is None else f"memory {percent(1 - ratio)} used"]


def _load(page: Change, target: str) -> list[str | None]:
    load = page.now.total("node_load1", target=target)
    return [None if load is None else f"load {load:.2f}"]


def _process_groups(page: Change, target: str) -> list[str | None]:
    name = "node_process_group_cpu_seconds_total"
    seconds = page.now.moment - page.before.moment
    took = page.by(name, "group", target=target)
    first = sorted(took, key=lambda group: -took[group])
    shares = [f"{group} {percent(took[group] / seconds)}" for group in first]
    return [f"of one core: {', '.join(shares)}" if shares else None]


def _filesystem(page: Change, target: str) -> list[str | None]:
    used = {}
    for size in page.now.each("node_filesystem_size_bytes", target=target):
        place = size.labels.get("mountpoint", "")
        free = page.now.total(
            "node_filesystem_avail_bytes", target=target, mountpoint=place
        )
        if free is not None and size.value:
            used[place] = 1 - free / size.value
    fullest = max(used, key=lambda place: used[place], default=None)
    return [f"{fullest} {percent(used[fullest])} full" if fullest else None]


_HEADLINES: dict[tuple[str, str], Headline] = {
    ("postgres", "stat_database"): _stat_database,
    ("postgres", "activity"): _activity,
    ("postgres", "statements"): _statements,
    ("redis", "info"): _redis_info,
    ("redis", "commandstats"): _redis_commandstats,
    ("neo4j", "indexes"): _indexes,
    ("neo4j", "plans"): _plans,
    ("host", "cpu"): _cpu,
    ("host", "memory"): _memory,
    ("host", "load"): _load,
    ("host", "filesystem"): _filesystem,
    ("host", "process_groups"): _process_groups,
}


def headline(source: str, collector: str, page: Change, target: str) -> str:
    """Return a collector's values as text; empty when it has none to show."""
    make = _HEADLINES.get((source, collector))
    return " · ".join(part for part in make(page, target) if part) if make else ""
