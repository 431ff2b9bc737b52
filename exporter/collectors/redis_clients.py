"""Who is connected to a Redis or Valkey server: by kind, and by the name of the pool.

redis_clients{kind="normal"} 41
redis_client_output_buffer_bytes{kind="pubsub"} 20512
redis_client_output_buffer_largest_bytes{kind="pubsub"} 20512
redis_client_query_buffer_largest_bytes{kind="normal"} 26
redis_pool_connections{name="shop",state="idle"} 12
redis_pool_longest_idle_seconds{name="shop"} 310
redis_pool_output_buffer_bytes{name="shop"} 0

A pool is all connections of one name (CLIENT SETNAME); numbers in names are `*`, so
that `worker-1` and `worker-2` are one pool. A connection is idle when it sent nothing
for a minute. The list grows with the connections: it is read once a minute, and with
more than ten thousand of them not at all (`redis_client_list_omitted` 1).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, SourceKind
from exporter.metrics import gauge
from exporter.sources.redis_text import number
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_MOST_CLIENTS = 10_000
_TOP = 20
_IDLE = 60  # seconds
_OTHER = "other"
_KINDS = ("normal", "pubsub", "replica", "master", "monitor")
_STATES = ("active", "idle", "blocked")
_NUMBER = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{2,})*|\d{2,}|(?<=[-_:.#/])\d+")
_LINE = re.compile(
    rb" name=(\S*) age=\d+ idle=(\d+) flags=(\S+) .*?\bsub=(\d+) psub=(\d+) "
    rb"(?:ssub=(\d+) )?.*?\bqbuf=(\d+) .*?\bomem=(\d+)"
)

CLIENTS = gauge("redis_clients", "CLIENT LIST: number of connections.", "kind")
OUTPUT = gauge(
    "redis_client_output_buffer_bytes",
    "omem of CLIENT LIST: bytes, all connections of the kind together.",
    "kind",
)
LARGEST_OUTPUT = gauge(
    "redis_client_output_buffer_largest_bytes",
    "omem of CLIENT LIST: bytes of the connection that has most.",
    "kind",
)
LARGEST_QUERY = gauge(
    "redis_client_query_buffer_largest_bytes",
    "qbuf of CLIENT LIST: bytes of the connection that has most.",
    "kind",
)
POOL = gauge(
    "redis_pool_connections",
    "CLIENT LIST: connections of the name; idle for a minute or more, blocked, active.",
    "name",
    "state",
)
LONGEST_IDLE = gauge(
    "redis_pool_longest_idle_seconds",
    "idle of CLIENT LIST: seconds of the connection of the name that is idle longest.",
    "name",
)
POOL_OUTPUT = gauge(
    "redis_pool_output_buffer_bytes",
    "omem of CLIENT LIST: bytes, all connections of the name together.",
    "name",
)
OMITTED = gauge(
    "redis_client_list_omitted",
    f"1 if CLIENT LIST was left out because of more than {_MOST_CLIENTS} connections.",
)


class Client(NamedTuple):
    """One connection: what it is, and what it keeps the server busy with."""

    name: str
    kind: str
    state: str
    idle: int
    query: int
    output: int


@dataclass(slots=True)
class Pools:
    """The names with series of their own: those with the most connections."""

    top: StickyTop[str] = field(default_factory=StickyTop)


async def read(source: RedisSource) -> list[Client] | None:
    """Read the list, unless it is too long."""
    connected = number((await source.info("clients")).get("connected_clients")) or 0
    if connected > _MOST_CLIENTS:
        return None
    answer: bytes = await source.execute("CLIENT", "LIST")
    return [_client(found) for found in _LINE.findall(answer)]


def samples(clients: list[Client] | None, state: Pools) -> Iterator[Sample]:
    """Sum by kind and by name."""
    yield OMITTED(int(clients is None))
    if clients is None:
        return
    for kind in _KINDS:
        of_kind = [client for client in clients if client.kind == kind]
        yield CLIENTS(len(of_kind), kind)
        yield OUTPUT(sum(c.output for c in of_kind), kind)
        yield LARGEST_OUTPUT(max((c.output for c in of_kind), default=0), kind)
        yield LARGEST_QUERY(max((c.query for c in of_kind), default=0), kind)
    for name, members in _pools(clients, state).items():
        for which in _STATES:
            yield POOL(sum(c.state == which for c in members), name, which)
        yield LONGEST_IDLE(max((c.idle for c in members), default=0), name)
        yield POOL_OUTPUT(sum(c.output for c in members), name)


def _pools(clients: Iterable[Client], state: Pools) -> Mapping[str, list[Client]]:
    by_name: dict[str, list[Client]] = defaultdict(list)
    for client in clients:
        by_name[client.name].append(client)
    scores = {name: float(len(members)) for name, members in by_name.items()}
    shown: dict[str, list[Client]] = {_OTHER: []}
    top = state.top.update(scores, _TOP)
    for name, members in by_name.items():
        shown.setdefault(name if name in top else _OTHER, []).extend(members)
    return shown


def _client(found: tuple[bytes, ...]) -> Client:
    name, idle, flags, *subscriptions, query, output = found
    text = _NUMBER.sub("*", name.decode("utf-8", "replace"))[:60]
    return Client(
        text or "unnamed",
        _kind(flags, subscribed=any(int(count or 0) for count in subscriptions)),
        "blocked" if b"b" in flags else "idle" if int(idle) >= _IDLE else "active",
        int(idle),
        int(query),
        int(output),
    )


def _kind(flags: bytes, *, subscribed: bool) -> str:
    for flag, kind in ((b"O", "monitor"), (b"S", "replica"), (b"M", "master")):
        if flag in flags:
            return kind
    return "pubsub" if subscribed or b"P" in flags else "normal"


COLLECTOR = Collector(
    name="clients",
    source=SourceKind.REDIS,
    metrics=(
        *(CLIENTS, OUTPUT, LARGEST_OUTPUT, LARGEST_QUERY),
        *(POOL, LONGEST_IDLE, POOL_OUTPUT, OMITTED),
    ),
    read=read,
    samples=samples,
    state=Pools,
    privilege="ACL: +info +client|list",
    cost=Cost.COSTLY,
    interval=60.0,
)
