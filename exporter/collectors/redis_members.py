"""The servers behind one seed: a cluster's nodes, or those that a Sentinel watches.

redis_members 6
redis_members_omitted 0
redis_member_up{member="10.0.0.1:6379"} 1
redis_member_master{member="10.0.0.1:6379"} 1
redis_member_failing{member="10.0.0.1:6379"} 0
redis_member_slots{member="10.0.0.1:6379"} 5461
redis_member_memory_used_bytes{member="10.0.0.1:6379"} 1.118128e+06
redis_promotions_total 0

The seed names them; each is asked for INFO over a connection of its own that is closed
again, with the login of the seed. No more than `members` of the configuration (32) are
asked. A failover is a member whose `redis_member_master` changes: its series go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind
from exporter.metrics import counter, gauge
from exporter.sources.redis_text import number, parse_pairs, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_PATIENCE = 1.0  # seconds for one member; all are asked at once

MEMBERS = gauge("redis_members", "CLUSTER NODES or SENTINEL MASTERS, REPLICAS: number.")
OMITTED = gauge(
    "redis_members_omitted",
    "CLUSTER NODES or SENTINEL MASTERS, REPLICAS: number beyond `members`, not asked.",
)
UP = gauge("redis_member_up", "INFO of the member: 1 if it answered us.", "member")
MASTER = gauge(
    "redis_member_master",
    "CLUSTER NODES or SENTINEL MASTERS: 1 of a master, 0 of a replica.",
    "member",
)
FAILING = gauge(
    "redis_member_failing",
    "CLUSTER NODES or SENTINEL MASTERS: 1 if the seed cannot reach it.",
    "member",
)
SLOTS = gauge("redis_member_slots", "CLUSTER NODES: slots that it serves.", "member")
KEYS = gauge("redis_member_keys", "keys of INFO keyspace: number of keys.", "member")
PROMOTIONS = counter(
    "redis_promotions_total",
    "CLUSTER NODES or SENTINEL MASTERS: replicas that had become masters at a poll.",
)
GAUGES = {
    name: gauge(f"redis_member_{metric}", f"{name} of INFO: {unit}.", "member")
    for name, metric, unit in (
        ("used_memory", "memory_used_bytes", "bytes"),
        ("maxmemory", "memory_max_bytes", "bytes, 0 is no limit"),
        ("connected_clients", "connected_clients", "number"),
        ("master_repl_offset", "replication_offset_bytes", "bytes"),
        ("master_link_status", "master_link_up", "1 if up, replicas only"),
    )
}
COUNTERS = {
    name: counter(f"redis_member_{metric}_total", f"{name} of INFO: number.", "member")
    for name, metric in (
        ("total_commands_processed", "commands_processed"),
        ("keyspace_hits", "keyspace_hits"),
        ("keyspace_misses", "keyspace_misses"),
        ("evicted_keys", "evicted_keys"),
        ("rejected_connections", "rejected_connections"),
    )
}


class Member(NamedTuple):
    """A server as its seed sees it; `slots` only in a cluster."""

    address: str
    master: bool
    failing: bool
    slots: int | None = None


class Rows(NamedTuple):
    """The members, how many of them are asked, and the INFO of those that answered."""

    members: tuple[Member, ...]
    asked: int
    infos: Mapping[str, Mapping[str, str] | None]


@dataclass(slots=True)
class State:
    """Who was a replica at the latest poll, and how many became masters."""

    replicas: set[str] = field(default_factory=set)
    promotions: int = 0


async def read(source: RedisSource) -> Rows | None:
    """Ask the seed for its members and these for INFO; None without members."""
    mode = await source.mode()
    most = source.config.members
    if mode == "cluster" and most:
        text: bytes = await source.execute("CLUSTER", "NODES")
        members = _nodes(text.decode("utf-8", "replace"))
    elif mode == "sentinel" and most:
        members = await _watched(source)
    else:
        return None
    members.sort()
    addresses = [member.address for member in members[:most]]
    infos = await source.visit(addresses, _PATIENCE)
    return Rows(tuple(members), len(addresses), infos)


def samples(rows: Rows | None, state: State) -> Iterator[Sample]:
    """Show each member, and count promotions."""
    if rows is None:
        return
    masters = {member.address for member in rows.members if member.master}
    state.promotions += len(masters & state.replicas)
    state.replicas = {member.address for member in rows.members} - masters
    yield MEMBERS(len(rows.members))
    yield OMITTED(len(rows.members) - rows.asked)
    yield PROMOTIONS(state.promotions)
    for address, master, failing, slots in rows.members[: rows.asked]:
        yield MASTER(int(master), address)
        yield FAILING(int(failing), address)
        yield SLOTS(slots, address)
        yield from _info(address, rows.infos.get(address))


def _info(address: str, info: Mapping[str, str] | None) -> Iterator[Sample]:
    yield UP(int(info is not None), address)
    if info is None:
        return
    for name, metric in (GAUGES | COUNTERS).items():
        yield metric(number(info.get(name)), address)
    databases = [t for n, t in info.items() if n.startswith("db") and n[2:].isdigit()]
    keys = (number(parse_pairs(text).get("keys")) or 0 for text in databases)
    yield KEYS(sum(keys), address)


def _nodes(text: str) -> list[Member]:
    """Take CLUSTER NODES apart: id, address, flags, …, link, and slots."""
    found = []
    for line in text.splitlines():
        _, address, flags, _, _, _, _, _, *slots = line.split()
        known = flags.split(",")
        if {"noaddr", "handshake"} & {*known}:
            continue
        found.append(
            Member(
                address.split("@")[0],
                "master" in known,
                not {"fail", "fail?"}.isdisjoint(known),
                sum(map(_slots, slots)),
            )
        )
    return found


def _slots(text: str) -> int:
    """Count `5` and `0-5460`; `[93->-…]` is one that moves, and counted elsewhere."""
    if text.startswith("["):
        return 0
    first, _, last = text.partition("-")
    return int(last or first) - int(first) + 1


async def _watched(source: RedisSource) -> list[Member]:
    found = []
    for answer in await source.execute("SENTINEL", "MASTERS"):
        master = table(answer)
        found.append(_member(master, master=True))
        below = await source.execute("SENTINEL", "REPLICAS", master["name"].decode())
        found += [_member(table(one), master=False) for one in below]
    return found


def _member(fields: Mapping[str, bytes], *, master: bool) -> Member:
    address = f"{fields['ip'].decode()}:{fields['port'].decode()}"
    return Member(address, master, b"down" in fields["flags"])


COLLECTOR = Collector(
    name="members",
    source=SourceKind.REDIS,
    metrics=(
        *(MEMBERS, OMITTED, UP, MASTER, FAILING, SLOTS, KEYS, PROMOTIONS),
        *GAUGES.values(),
        *COUNTERS.values(),
    ),
    read=read,
    samples=samples,
    state=State,
    privilege="ACL: +info, a node +cluster|nodes, a Sentinel +sentinel|masters "
    "+sentinel|replicas",
    cost=Cost.COSTLY,
    interval=30.0,
)
