"""The collector `info` on recorded servers."""

from __future__ import annotations

import pytest

from exporter.collectors import _redis_fields, redis_info
from exporter.collectors.redis_info import Seen, samples
from tests.source import ROOT
from tests.unit.redis_recorded import MASTERS, recorded
from tests.unit.sampled import values

NEEDED = {
    line.split("\t")[0]
    for line in (ROOT / "tests/data/peer-needs.tsv").read_text().splitlines()
    if line.startswith("redis_")
}
OF_OTHERS = {
    "redis_up",
    "redis_commands_total",
    "redis_commands_duration_seconds_total",
    *("redis_cluster_state", "redis_cluster_slots_fail", "redis_cluster_slots_pfail"),
}
OF_REPLICAS = {"redis_master_last_io_seconds_ago"}


@pytest.mark.parametrize("name", MASTERS)
def test_a_server_has_all_that_the_peers_dashboards_and_rules_need(name: str) -> None:
    found = values(samples(recorded(name), Seen()))
    assert NEEDED - found.keys() == OF_OTHERS | OF_REPLICAS


@pytest.mark.parametrize("name", MASTERS)
def test_every_sample_is_of_a_declared_metric(name: str) -> None:
    made = {sample.metric for sample in samples(recorded(name), Seen())}
    assert made - {*redis_info.COLLECTOR.metrics} == set()


def test_no_two_fields_make_the_same_metric() -> None:
    names = [row.metric.name for row in _redis_fields.FIELDS]
    assert len(names) == len({*names})


def test_units_are_those_of_the_names() -> None:
    found = values(samples(recorded("redis-6.2"), Seen()))
    fields = recorded("redis-6.2")
    assert found["redis_latest_fork_seconds"][()] == 108e-6 * (
        int(fields["latest_fork_usec"]) / 108
    )
    assert found["redis_memory_max_bytes"][()] == 64 * 1024 * 1024
    assert found["redis_max_clients"][()] == 10_000
    assert found["redis_rdb_last_bgsave_status"][()] == 1
    assert found["redis_mem_fragmentation_ratio"][()] == float(
        fields["mem_fragmentation_ratio"]
    )


def test_the_first_seconds_of_a_server_give_the_moment_of_its_start() -> None:
    fields = {"server_time_usec": "1700000100900000", "uptime_in_seconds": "100"}
    assert values(samples(fields, Seen()))["redis_start_time_seconds"] == {
        (): 1_700_000_000
    }


def test_rounding_does_not_move_the_start_but_a_restart_does() -> None:
    state = Seen()
    seen = [
        values(samples({"server_time_usec": time, "uptime_in_seconds": uptime}, state))[
            "redis_start_time_seconds"
        ][()]
        for time, uptime in (
            ("1700000100900000", "100"),
            ("1700000102000000", "101"),
            ("1700000200000000", "5"),
        )
    ]
    assert seen == [1_700_000_000, 1_700_000_000, 1_700_000_195]


def test_a_field_that_the_version_lacks_is_absent() -> None:
    old = values(samples(recorded("redis-6.2"), Seen()))
    new = values(samples(recorded("valkey-9.1"), Seen()))
    assert "redis_eventloop_cycles_total" not in old
    assert new["redis_eventloop_cycles_total"][()] > 0
    assert "redis_maxmemory_reservation" not in new


def test_valkey_says_its_own_version_and_mode() -> None:
    ((labels, value),) = values(samples(recorded("valkey-9.1"), Seen()))[
        "redis_instance_info"
    ].items()
    shown = dict(zip(redis_info.INSTANCE.labels, labels, strict=True))
    assert value == 1
    assert shown["redis_version"] == "7.2.4"
    assert shown["valkey_version"] == "9.1.2"
    assert shown["redis_mode"] == "standalone"
    assert shown["role"] == "master"
    assert shown["maxmemory_policy"] == "allkeys-lru"


def test_redis_has_no_version_of_valkey() -> None:
    ((labels, _),) = values(samples(recorded("redis-7.0"), Seen()))[
        "redis_instance_info"
    ].items()
    shown = dict(zip(redis_info.INSTANCE.labels, labels, strict=True))
    assert shown["redis_mode"] == "standalone"
    assert shown["valkey_version"] is None


def test_a_master_shows_its_replicas() -> None:
    found = values(samples(recorded("redis-7.0"), Seen()))
    slave = ("127.0.0.1", "53423", "online")
    assert found["redis_connected_slave_offset_bytes"] == {slave: 230}
    assert found["redis_connected_slave_lag_seconds"] == {slave: 0}
    assert "redis_master_link_up" not in found


def test_a_replica_that_does_not_say_its_lag_has_none() -> None:
    fields = {
        "role": "master",
        "slave0": "ip=10.0.0.2,port=6379,state=online,offset=14",
        "slave1": "ip=::1,port=6379,state=online,offset=15,lag=1",
    }
    found = values(samples(fields, Seen()))
    assert found["redis_connected_slave_lag_seconds"] == {("::1", "6379", "online"): 1}
    assert len(found["redis_connected_slave_offset_bytes"]) == 2


def test_of_replicas_behind_one_address_the_one_furthest_behind_is_shown() -> None:
    address = "ip=172.17.0.1,port=6379,state=online"
    fields = {
        "role": "master",
        "slave0": f"{address},offset=900,lag=0",
        "slave1": f"{address},offset=14,lag=600",
        "slave2": f"{address},offset=20",
    }
    found = values(samples(fields, Seen()))
    labels = ("172.17.0.1", "6379", "online")
    assert found["redis_connected_slave_offset_bytes"] == {labels: 14}
    assert found["redis_connected_slave_lag_seconds"] == {labels: 600}


def test_a_replica_shows_its_master() -> None:
    fields = recorded("redis-7.0-replica")
    found = values(samples(fields, Seen()))
    master = ("127.0.0.1", fields["master_port"])
    assert found["redis_master_link_up"] == {master: 1}
    assert found["redis_master_sync_in_progress"] == {master: 0}
    assert found["redis_slave_repl_offset"] == {master: 230}
    assert found["redis_master_last_io_seconds_ago"].keys() == {master}
    assert found["redis_slave_info"] == {(*master, "1"): 1}


def test_a_replica_whose_link_is_down_says_so() -> None:
    fields = recorded("redis-7.0-replica") | {"master_link_status": "down"}
    assert {
        *values(samples(fields, Seen()))["redis_master_link_up"].values(),
    } == {0}


def test_errors_are_counted_by_code_and_odd_codes_together() -> None:
    fields = {
        "errorstat_ERR": "count=2",
        "errorstat_WRONGTYPE": "count=1",
        "errorstat_my_key_17": "count=3",
        "errorstat_My": "count=4",
    }
    assert values(samples(fields, Seen()))["redis_errors_total"] == {
        ("ERR",): 2,
        ("WRONGTYPE",): 1,
        ("other",): 7,
    }


def test_databases_show_keys_and_time_to_live() -> None:
    fields = {"db0": "keys=2,expires=1,avg_ttl=98470", "db3": "keys=1,expires=0"}
    found = values(samples(fields, Seen()))
    assert found["redis_db_keys"] == {("db0",): 2, ("db3",): 1}
    assert found["redis_db_keys_expiring"] == {("db0",): 1, ("db3",): 0}
    assert found["redis_db_avg_ttl_seconds"] == {("db0",): 98.47}


def test_an_emptied_database_falls_to_zero_and_the_first_is_always_there() -> None:
    state = Seen()
    first = values(samples({"db3": "keys=1,expires=0"}, state))["redis_db_keys"]
    second = values(samples({}, state))["redis_db_keys"]
    assert first == {("db0",): 0, ("db3",): 1}
    assert second == {("db0",): 0, ("db3",): 0}


def test_a_sentinel_has_no_databases() -> None:
    assert "redis_db_keys" not in values(samples({"redis_mode": "sentinel"}, Seen()))


def test_io_threads_are_told_apart() -> None:
    fields = {
        "used_active_time_io_thread_1": "0.5",
        "used_active_time_io_thread_2": "1.5",
    }
    assert values(samples(fields, Seen()))[
        "redis_active_time_io_thread_seconds_total"
    ] == {("1",): 0.5, ("2",): 1.5}


def test_an_error_is_counted_on_when_the_server_forgets_it() -> None:
    state = Seen()
    polls = [{"errorstat_OOM": "count=5"}, {}, {"errorstat_OOM": "count=2"}]
    shown = [values(samples(p, state))["redis_errors_total"] for p in polls]
    assert [each[("OOM",)] for each in shown] == [5, 5, 7]


def test_a_thousand_codes_of_scripts_are_a_few_series() -> None:
    fields = {f"errorstat_E{number}": "count=1" for number in range(1000)}
    found = values(samples(fields, Seen()))["redis_errors_total"]
    assert len(found) == 51
    assert sum(found.values()) == 1000


def test_a_change_of_role_is_counted_and_both_roles_are_shown() -> None:
    state = Seen()
    roles = ("slave", "slave", "master", "slave")
    found = [values(samples({"role": role}, state)) for role in roles]
    assert [f["redis_role_changes_total"][()] for f in found] == [0, 0, 1, 2]
    assert found[2]["redis_role"] == {("master",): 1, ("slave",): 0}
