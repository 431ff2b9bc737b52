"""Which field of INFO is which metric: the data of the collector `info`.

Names, units and types are those of redis_exporter, also where Prometheus would name
them otherwise. Left out are the fields of modules and of Tile38: they are not in the
default sections of INFO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.metrics import Kind, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator


class Field(NamedTuple):
    """A field of INFO, the metric it becomes, and what its value is divided by."""

    name: str
    metric: Metric
    divisor: int


# unit: fields, each with the metric's name (less `redis_`) where that is not the same
_GAUGES = {
    "bytes": """
        used_memory=memory_used_bytes
        used_memory_rss=memory_used_rss_bytes
        used_memory_peak=memory_used_peak_bytes
        used_memory_lua=memory_used_lua_bytes
        used_memory_vm_eval=memory_used_vm_eval_bytes
        used_memory_vm_functions=memory_used_vm_functions_bytes
        used_memory_vm_total=memory_used_vm_total
        used_memory_scripts=memory_used_scripts_bytes
        used_memory_scripts_eval=memory_used_scripts_eval_bytes
        used_memory_functions=memory_used_functions_bytes
        used_memory_overhead=memory_used_overhead_bytes
        used_memory_startup=memory_used_startup_bytes
        used_memory_dataset=memory_used_dataset_bytes
        total_system_memory=total_system_memory_bytes
        maxmemory_reservation=memory_max_reservation_bytes
        maxmemory_desired_reservation=memory_max_reservation_desired_bytes
        maxfragmentationmemory_reservation=memory_max_fragmentation_reservation_bytes
        maxfragmentationmemory_desired_reservation=memory_max_fragmentation_reservation_desired_bytes
        allocator_active=allocator_active_bytes
        allocator_allocated=allocator_allocated_bytes
        allocator_resident=allocator_resident_bytes
        allocator_muzzy=allocator_muzzy_bytes
        allocator_frag_bytes
        allocator_rss_bytes
        mem_fragmentation_bytes
        mem_clients_slaves
        mem_clients_normal
        mem_cluster_links=mem_cluster_links_bytes
        mem_aof_buffer=mem_aof_buffer_bytes
        mem_replication_backlog=mem_replication_backlog_bytes
        mem_total_replication_buffers=mem_total_replication_buffers_bytes
        mem_not_counted_for_evict=mem_not_counted_for_eviction_bytes
        mem_overhead_db_hashtable_rehashing=mem_overhead_db_hashtable_rehashing_bytes
        client_recent_max_output_buffer=client_recent_max_output_buffer_bytes
        client_recent_max_input_buffer=client_recent_max_input_buffer_bytes
        client_biggest_input_buf
        rdb_last_cow_size=rdb_last_cow_size_bytes
        aof_last_cow_size=aof_last_cow_size_bytes
        aof_current_size=aof_current_size_bytes
        aof_base_size=aof_base_size_bytes
        aof_buffer_length
        aof_rewrite_buffer_length
        module_fork_last_cow_size
        repl_backlog_size=replication_backlog_bytes
        repl_backlog_histlen=repl_backlog_history_bytes
        repl_backlog_first_byte_offset
        master_repl_offset
    """,
    "bytes, 0 is no limit": "maxmemory=memory_max_bytes",
    "bytes, -1 is none": "second_repl_offset",
    "ratio": "allocator_frag_ratio allocator_rss_ratio mem_fragmentation_ratio",
    "percent": "expired_stale_perc=expired_stale_percentage",
    "seconds": "uptime_in_seconds",
    "Unix time in seconds": "rdb_last_save_time=rdb_last_save_timestamp_seconds",
    "seconds, -1 is never": """
        rdb_last_bgsave_time_sec=rdb_last_bgsave_duration_sec
        rdb_current_bgsave_time_sec=rdb_current_bgsave_duration_sec
        aof_last_rewrite_time_sec=aof_last_rewrite_duration_sec
        aof_current_rewrite_time_sec=aof_current_rewrite_duration_sec
    """,
    "milliseconds": "current_eviction_exceeded_time=current_eviction_exceeded_time_ms",
    "microseconds": "instantaneous_eventloop_duration_usec",
    "1 if ok, else 0": """
        rdb_last_bgsave_status aof_last_bgrewrite_status aof_last_write_status
    """,
    "1 if so, else 0": """
        loading=loading_dump_file
        async_loading
        rdb_bgsave_in_progress
        aof_enabled
        aof_rewrite_in_progress
        aof_rewrite_scheduled
        aof_pending_rewrite
        module_fork_in_progress
        repl_backlog_active=repl_backlog_is_active
        io_threads_active
        active_defrag_running
        cluster_enabled
    """,
    "process id": "process_id",
    "times per second": "hz configured_hz instantaneous_eventloop_cycles_per_sec",
    "number of clients": """
        connected_clients
        blocked_clients
        maxclients=max_clients
        tracking_clients
        pubsub_clients
        watching_clients
        clients_in_timeout_table
        client_longest_output_list
        connected_slaves
    """,
    "number of keys": """
        total_watched_keys
        total_blocking_keys
        total_blocking_keys_on_nokey
        tracking_total_keys
        slave_expires_tracked_keys
        rdb_last_load_keys_expired=rdb_last_load_expired_keys
        rdb_last_load_keys_loaded=rdb_last_load_loaded_keys
        active_defrag_key_hits=defrag_key_hits
        active_defrag_key_misses=defrag_key_misses
    """,
    "number": """
        number_of_cached_scripts
        number_of_functions
        number_of_libraries
        lazyfree_pending_objects
        lazyfreed_objects
        migrate_cached_sockets=migrate_cached_sockets_total
        active_defrag_hits=defrag_hits
        active_defrag_misses=defrag_misses
        rdb_changes_since_last_save
        rdb_saves=rdb_saves_total
        aof_pending_bio_fsync
        aof_delayed_fsync
        pubsub_channels
        pubsub_patterns
        pubsubshard_channels
        tracking_total_items
        tracking_total_prefixes
        slave_priority
        sync_full=replica_resyncs_full
        sync_partial_ok=replica_partial_resync_accepted
        sync_partial_err=replica_partial_resync_denied
        server_threads=server_threads_total
        long_lock_waits=long_lock_waits_total
        current_client_thread
    """,
}
_COUNTERS = {
    "number": """
        total_connections_received=connections_received_total
        total_commands_processed=commands_processed_total
        rejected_connections=rejected_connections_total
        expired_keys=expired_keys_total
        expired_subkeys=expired_subkeys_total
        expired_time_cap_reached_count=expired_time_cap_reached_total
        evicted_keys=evicted_keys_total
        evicted_clients=evicted_clients_total
        evicted_scripts=evicted_scripts_total
        keyspace_hits=keyspace_hits_total
        keyspace_misses=keyspace_misses_total
        eventloop_cycles=eventloop_cycles_total
        unexpected_error_replies
        total_error_replies
        dump_payload_sanitizations
        total_reads_processed
        total_writes_processed
        io_threaded_reads_processed
        io_threaded_writes_processed
        client_query_buffer_limit_disconnections=client_query_buffer_limit_disconnections_total
        client_output_buffer_limit_disconnections=client_output_buffer_limit_disconnections_total
        reply_buffer_shrinks=reply_buffer_shrinks_total
        reply_buffer_expands=reply_buffer_expands_total
        acl_access_denied_auth=acl_access_denied_auth_total
        acl_access_denied_cmd=acl_access_denied_cmd_total
        acl_access_denied_key=acl_access_denied_key_total
        acl_access_denied_channel=acl_access_denied_channel_total
        cached_keys=cached_keys_total
        storage_provider_read_hits
        storage_provider_read_misses
    """,
    "bytes": """
        total_net_input_bytes=net_input_bytes_total
        total_net_output_bytes=net_output_bytes_total
        total_net_repl_input_bytes=net_repl_input_bytes_total
        total_net_repl_output_bytes=net_repl_output_bytes_total
    """,
    "seconds": """
        used_cpu_sys=cpu_sys_seconds_total
        used_cpu_user=cpu_user_seconds_total
        used_cpu_sys_children=cpu_sys_children_seconds_total
        used_cpu_user_children=cpu_user_children_seconds_total
        used_cpu_sys_main_thread=cpu_sys_main_thread_seconds_total
        used_cpu_user_main_thread=cpu_user_main_thread_seconds_total
        used_active_time_main_thread=active_time_main_thread_seconds_total
    """,
    "milliseconds": """
        expire_cycle_cpu_milliseconds=expire_cycle_cpu_time_ms_total
        total_eviction_exceeded_time=eviction_exceeded_time_ms_total
    """,
    "microseconds": """
        eventloop_duration_sum=eventloop_duration_sum_usec_total
        eventloop_duration_cmd_sum=eventloop_duration_cmd_sum_usec_total
    """,
}
_DIVIDED = {"latest_fork_usec=latest_fork_seconds": ("seconds", 1_000_000)}


def _table() -> Iterator[Field]:
    for kind, units in ((Kind.GAUGE, _GAUGES), (Kind.COUNTER, _COUNTERS)):
        for unit, rows in units.items():
            for row in rows.split():
                yield _field(row, kind, unit)
    for row, (unit, divisor) in _DIVIDED.items():
        yield _field(row, Kind.GAUGE, unit)._replace(divisor=divisor)


def _field(row: str, kind: Kind, unit: str) -> Field:
    name, _, renamed = row.partition("=")
    metric = Metric(f"redis_{renamed or name}", kind, f"{name} of INFO: {unit}.")
    return Field(name, metric, 1)


FIELDS = tuple(_table())
