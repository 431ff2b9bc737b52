"""The cluster that a node is part of, as the node sees it; nothing outside a cluster.

redis_cluster_state 1
redis_cluster_slots_fail 0
redis_cluster_known_nodes 6
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge
from exporter.sources.redis_text import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

METRICS = {
    field: gauge(f"redis_{name or field}", f"{field} of CLUSTER INFO: {unit}.")
    for field, name, unit in (
        ("cluster_state", "", "1 if ok, else 0"),
        ("cluster_slots_assigned", "", "number of slots"),
        ("cluster_slots_ok", "", "number of slots"),
        ("cluster_slots_pfail", "", "number of slots whose node may have failed"),
        ("cluster_slots_fail", "", "number of slots whose node has failed"),
        ("cluster_known_nodes", "", "number of nodes"),
        ("cluster_size", "", "number of masters that serve slots"),
        ("cluster_current_epoch", "", "number"),
        ("cluster_my_epoch", "", "number"),
        ("cluster_stats_messages_sent", "cluster_messages_sent_total", "messages"),
        (
            "cluster_stats_messages_received",
            "cluster_messages_received_total",
            "messages",
        ),
    )
}


async def read(source: RedisSource) -> dict[str, str]:
    """Read CLUSTER INFO, or nothing from a server without cluster support.

    Asking such a server would count as an error in its own statistics.
    """
    fields = await source.info("cluster")
    if fields.get("cluster_enabled") != "1":
        return {}
    return await source.fields("CLUSTER", "INFO")


def samples(fields: Mapping[str, str], state: None) -> Iterator[Sample]:
    """Turn the fields into samples."""
    del state
    for name, metric in METRICS.items():
        yield metric(number(fields.get(name)))


COLLECTOR = Collector(
    name="cluster",
    source=SourceKind.REDIS,
    metrics=tuple(METRICS.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="ACL: +info +cluster|info",
)
