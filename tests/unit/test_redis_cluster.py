"""The collector `cluster` on fixed fields."""

from __future__ import annotations

from exporter.collectors.redis_cluster import COLLECTOR, samples
from tests.unit.sampled import values

FIELDS = {
    "cluster_state": "fail",
    "cluster_slots_assigned": "16384",
    "cluster_slots_ok": "16000",
    "cluster_slots_pfail": "184",
    "cluster_slots_fail": "200",
    "cluster_known_nodes": "6",
    "cluster_size": "3",
    "cluster_current_epoch": "6",
    "cluster_my_epoch": "2",
    "cluster_stats_messages_sent": "1483972",
    "cluster_stats_messages_received": "1483968",
    "total_cluster_links_buffer_limit_exceeded": "0",
}


def test_a_node_shows_the_cluster_as_it_sees_it() -> None:
    found = values(samples(FIELDS, None))
    assert found.keys() == {metric.name for metric in COLLECTOR.metrics}
    assert found["redis_cluster_state"] == {(): 0}
    assert found["redis_cluster_slots_fail"] == {(): 200}
    assert found["redis_cluster_messages_sent_total"] == {(): 1483972}


def test_a_server_outside_a_cluster_shows_nothing() -> None:
    assert values(samples({}, None)) == {}
