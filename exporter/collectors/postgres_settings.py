"""How the server is set, from pg_settings.

pg_settings_max_connections 100
pg_settings_shared_buffers_bytes 1.34217728e+08
pg_settings_autovacuum_naptime_seconds 60
pg_settings_fsync 1
pg_settings_idle_in_transaction_session_timeout_seconds 0

Names and units are postgres_exporter's: switches are 0 or 1, times are in seconds,
sizes in bytes, and -1, which often means "off" or "as another one", stays -1. It makes
metrics of all settings, some 250; here are those by which somebody sizes, judges or
explains a server, so that each is declared, and a new version adds no name by itself. A
setting that the server does not have is absent. The two that we set for our own reads
are shown as other sessions have them. Read once a minute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Metric, Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select name, unit,
    case when name in (
        'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'
    ) then reset_val else setting end as setting
from pg_settings where name = any(%s) and vartype in ('bool', 'integer', 'real')
"""

_EVERY = 60.0
_PLAIN = """
max_connections superuser_reserved_connections reserved_connections
max_locks_per_transaction max_pred_locks_per_transaction max_prepared_transactions
max_worker_processes max_parallel_workers max_parallel_workers_per_gather
max_parallel_maintenance_workers max_wal_senders max_replication_slots
max_logical_replication_workers max_sync_workers_per_subscription
max_active_replication_origins max_files_per_process
autovacuum autovacuum_max_workers autovacuum_worker_slots
autovacuum_vacuum_threshold autovacuum_vacuum_scale_factor
autovacuum_vacuum_max_threshold autovacuum_vacuum_insert_threshold
autovacuum_vacuum_insert_scale_factor autovacuum_analyze_threshold
autovacuum_analyze_scale_factor autovacuum_vacuum_cost_limit autovacuum_freeze_max_age
autovacuum_multixact_freeze_max_age vacuum_cost_limit vacuum_freeze_min_age
vacuum_freeze_table_age vacuum_failsafe_age vacuum_multixact_failsafe_age
bgwriter_lru_maxpages bgwriter_lru_multiplier checkpoint_completion_target
effective_io_concurrency maintenance_io_concurrency io_workers hash_mem_multiplier
random_page_cost seq_page_cost cpu_tuple_cost cpu_index_tuple_cost cpu_operator_cost
default_statistics_target jit jit_above_cost
fsync full_page_writes wal_log_hints wal_compression data_checksums
hot_standby hot_standby_feedback in_hot_standby default_transaction_read_only ssl
track_activities track_counts track_io_timing track_wal_io_timing
track_commit_timestamp log_checkpoints log_lock_waits log_replication_commands
logging_collector server_version_num block_size wal_block_size
pg_stat_statements.max pg_stat_statements.track_utility
pg_stat_statements.track_planning pg_stat_statements.save auto_explain.sample_rate
"""
_SECONDS = """
statement_timeout lock_timeout deadlock_timeout transaction_timeout
idle_in_transaction_session_timeout idle_session_timeout authentication_timeout
tcp_keepalives_idle tcp_user_timeout client_connection_check_interval
autovacuum_naptime autovacuum_vacuum_cost_delay vacuum_cost_delay
bgwriter_delay checkpoint_timeout checkpoint_warning archive_timeout wal_writer_delay
wal_sender_timeout wal_receiver_timeout wal_receiver_status_interval
max_standby_archive_delay max_standby_streaming_delay recovery_min_apply_delay
idle_replication_slot_timeout old_snapshot_threshold log_min_duration_statement
log_min_duration_sample log_autovacuum_min_duration auto_explain.log_min_duration
"""
_BYTES = """
shared_buffers effective_cache_size work_mem maintenance_work_mem autovacuum_work_mem
logical_decoding_work_mem temp_buffers temp_file_limit wal_buffers max_wal_size
min_wal_size wal_keep_size max_slot_wal_keep_size wal_segment_size segment_size
shared_memory_size huge_page_size vacuum_buffer_usage_limit track_activity_query_size
log_temp_files
"""
_SCALES = {
    "ms": ("seconds", 0.001),
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
    "d": ("seconds", 86400),
    "B": ("bytes", 1),
    "kB": ("bytes", 1024),
    "MB": ("bytes", 1024**2),
    "GB": ("bytes", 1024**3),
    "TB": ("bytes", 1024**4),
}
_UNIT = re.compile(r"(\d*)([A-Za-z]+)")
_WORDS = {"on": 1.0, "off": 0.0}


def _declare(names: str, unit: str) -> dict[str, tuple[str, Metric]]:
    """Return the unit and the metric of each setting by name."""
    suffix = f"_{unit}" if unit else ""
    text = unit or "1 or 0 if it is a switch, else the number"
    return {
        name: (
            unit,
            gauge(
                f"pg_settings_{name.replace('.', '_')}{suffix}",
                f"Setting {name} of pg_settings: {text}.",
            ),
        )
        for name in names.split()
    }


METRICS = {
    **_declare(_PLAIN, ""),
    **_declare(_SECONDS, "seconds"),
    **_declare(_BYTES, "bytes"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of pg_settings; `unit` may have a number before it, such as 8kB."""

    name: str
    unit: str | None
    setting: str


async def read(source: PostgresSource) -> list[Setting]:
    """Read the settings that have a metric."""
    return await source.fetch(Setting, QUERY, (list(METRICS),))


def samples(rows: list[Setting], _: None) -> Iterator[Sample]:
    """Turn settings into base units; one that changed its kind of unit is left out."""
    for row in rows:
        wanted, metric = METRICS[row.name]
        unit, factor = _scale(row.unit)
        if unit == wanted:
            yield metric(_value(row.setting, factor))


def _scale(unit: str | None) -> tuple[str, float]:
    found = _UNIT.fullmatch(unit or "")
    if found is None or found[2] not in _SCALES:
        return unit or "", 1
    base, factor = _SCALES[found[2]]
    return base, int(found[1] or 1) * factor


def _value(setting: str, factor: float) -> float:
    if setting in _WORDS:
        return _WORDS[setting]
    value = float(setting)
    return value if value == -1 else value * factor


COLLECTOR = Collector(
    name="settings",
    source=SourceKind.POSTGRES,
    metrics=tuple(metric for _, metric in METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    interval=_EVERY,
    privilege="CONNECT to one database",
)
