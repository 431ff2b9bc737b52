"""What a Sentinel knows of the masters it watches; nothing on other servers.

redis_sentinel_masters 1
redis_sentinel_tilt 0
redis_sentinel_master_status{master_name="shop",master_address="10.0.0.1:6379",…} 1
redis_sentinel_master_ok_slaves{master_name="shop",master_address="10.0.0.1:6379"} 2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge
from exporter.sources.redis_text import number, parse_pairs, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_MASTER = ("master_name", "master_address")
_STATUS = ("ok", "sdown", "odown")

OWN = {
    name: gauge(f"redis_{name}", f"{name} of INFO: {unit}.")
    for name, unit in (
        ("sentinel_masters", "number of masters that it watches"),
        ("sentinel_tilt", "1 while its clock or host misbehaves and it only looks on"),
        ("sentinel_running_scripts", "number"),
        ("sentinel_scripts_queue_length", "number"),
        ("sentinel_simulate_failure_flags", "flags of a test"),
    )
}
STATUS = gauge(
    "redis_sentinel_master_status",
    "status of masterN of INFO: 1 for the one that the master has.",
    *_MASTER,
    "master_status",
)
OF_MASTER = {
    field: (
        gauge(
            f"redis_sentinel_master_{name}",
            f"{field} of SENTINEL MASTERS, beside INFO: {unit}.",
            *_MASTER,
        ),
        divisor,
    )
    for field, name, unit, divisor in (
        ("num-slaves", "slaves", "number of replicas", 1),
        ("config-epoch", "config_epoch", "number", 1),
        ("last-ok-ping-reply", "last_ok_ping_reply_seconds", "seconds", 1000),
        ("quorum", "setting_ckquorum", "number of sentinels", 1),
        (
            *("down-after-milliseconds", "setting_down_after_milliseconds"),
            *("milliseconds", 1),
        ),
        ("failover-timeout", "setting_failover_timeout", "milliseconds", 1),
        ("parallel-syncs", "setting_parallel_syncs", "number of replicas", 1),
    )
}
SENTINELS = gauge(
    "redis_sentinel_master_sentinels",
    "num-other-sentinels of SENTINEL MASTERS, beside INFO: number, this one included.",
    *_MASTER,
)
OK_SLAVES = gauge(
    "redis_sentinel_master_ok_slaves",
    "SENTINEL REPLICAS, beside INFO: number of replicas that it does not call down.",
    *_MASTER,
)


class Master(NamedTuple):
    """A master as SENTINEL MASTERS has it, and the flags of its replicas."""

    fields: Mapping[str, str]
    replicas: tuple[str, ...]


class Rows(NamedTuple):
    """INFO sentinel, and its masters."""

    info: Mapping[str, str]
    masters: tuple[Master, ...]


async def read(source: RedisSource) -> Rows | None:
    """Read what a Sentinel knows; None from another server, which is not asked."""
    if await source.mode() != "sentinel":
        return None
    masters = []
    for answer in await source.execute("SENTINEL", "MASTERS"):
        fields = _text(answer)
        below = await source.execute("SENTINEL", "REPLICAS", fields["name"])
        masters.append(Master(fields, tuple(_text(one)["flags"] for one in below)))
    return Rows(await source.info("sentinel"), tuple(masters))


def samples(rows: Rows | None, state: None) -> Iterator[Sample]:
    """Turn what it knows into samples with redis_exporter's names."""
    del state
    if rows is None:
        return
    for name, metric in OWN.items():
        yield metric(number(rows.info.get(name)))
    for name, text in rows.info.items():
        if name.startswith("master") and name[6:].isdigit():
            found = parse_pairs(text)
            for status in sorted({*_STATUS, found.get("status", "ok")}):
                yield STATUS(
                    int(status == found.get("status")),
                    *(found.get("name"), found.get("address"), status),
                )
    for fields, replicas in rows.masters:
        labels = (fields.get("name"), f"{fields.get('ip')}:{fields.get('port')}")
        for field, (metric, divisor) in OF_MASTER.items():
            yield metric(number(fields.get(field), divisor), *labels)
        others = number(fields.get("num-other-sentinels"))
        yield SENTINELS(None if others is None else others + 1, *labels)
        yield OK_SLAVES(sum("down" not in flags for flags in replicas), *labels)


def _text(answer: list[bytes]) -> dict[str, str]:
    return {
        name: value.decode("utf-8", "replace") for name, value in table(answer).items()
    }


COLLECTOR = Collector(
    name="sentinel",
    source=SourceKind.REDIS,
    metrics=(
        *OWN.values(),
        *(metric for metric, _ in OF_MASTER.values()),
        *(STATUS, SENTINELS, OK_SLAVES),
    ),
    read=read,
    samples=samples,
    state=stateless,
    privilege="ACL: +info, of a Sentinel +sentinel|masters +sentinel|replicas",
)
