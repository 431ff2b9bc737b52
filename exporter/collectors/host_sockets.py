"""What TCP, UDP and the sockets do: repeated segments, queues that were full, sockets.

node_netstat_Tcp_RetransSegs 1204
node_netstat_TcpExt_ListenOverflows 0
node_netstat_Udp_RcvbufErrors 0
node_sockstat_TCP_inuse 37
node_sockstat_TCP_mem_bytes 12288

The figures are those of the network that the first process sees.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge, untyped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Metric, Sample
    from exporter.sources.host import HostSource

# Those that node_exporter shows unless told otherwise.
_COUNTED = {
    "Icmp": "InErrors InMsgs OutMsgs",
    "Icmp6": "InErrors InMsgs OutMsgs",
    "Ip": "Forwarding",
    "Ip6": "InOctets OutOctets",
    "IpExt": "InOctets OutOctets",
    "Tcp": "ActiveOpens CurrEstab InErrs InSegs OutRsts OutSegs PassiveOpens "
    "RetransSegs",
    "TcpExt": "ListenDrops ListenOverflows SyncookiesFailed SyncookiesRecv "
    "SyncookiesSent TCPOFOQueue TCPRcvQDrop TCPSynRetrans TCPTimeouts",
    "Udp": "InDatagrams InErrors NoPorts OutDatagrams RcvbufErrors SndbufErrors",
    "Udp6": "InDatagrams InErrors NoPorts OutDatagrams RcvbufErrors SndbufErrors",
    "UdpLite": "InErrors",
    "UdpLite6": "InErrors",
}
_SOCKETS = {
    "sockets": "used",
    "TCP": "inuse orphan tw alloc mem",
    "TCP6": "inuse",
    "UDP": "inuse mem",
    "UDP6": "inuse",
    "UDPLITE": "inuse",
    "UDPLITE6": "inuse",
    "RAW": "inuse",
    "RAW6": "inuse",
    "FRAG": "inuse memory",
    "FRAG6": "inuse memory",
}
_COUNTERS = ("net/netstat", "net/snmp", "net/snmp6")
_STATES = ("net/sockstat", "net/sockstat6")

COUNTED = {
    f"{protocol}_{name}": untyped(
        f"node_netstat_{protocol}_{name}",
        f"{protocol} {name} of /proc/net/netstat, snmp or snmp6: a number.",
    )
    for protocol, names in _COUNTED.items()
    for name in names.split()
}
SOCKETS = {
    f"{protocol}_{name}": gauge(
        f"node_sockstat_{protocol}_{name}",
        f"{protocol} {name} of /proc/net/sockstat: "
        f"{'pages' if name == 'mem' else 'bytes' if name == 'memory' else 'number'}.",
    )
    for protocol, names in _SOCKETS.items()
    for name in names.split()
}
MEMORY = {
    protocol: gauge(
        f"node_sockstat_{protocol}_mem_bytes",
        f"{protocol} mem of /proc/net/sockstat: bytes.",
    )
    for protocol in ("TCP", "UDP")
}


class Sockets(NamedTuple):
    """The figures by protocol and name, and the bytes of a page of memory."""

    counted: dict[str, int]
    sockets: dict[str, int]
    page: int


async def read(source: HostSource) -> Sockets:
    """Read the files of /proc/net that are there."""
    texts = await source.texts((*_COUNTERS, *_STATES))
    counted = "".join(texts.get(path, "") for path in _COUNTERS[:2])
    sockets = "".join(texts.get(path, "") for path in _STATES)
    return Sockets(
        pairs(counted) | single(texts.get(_COUNTERS[2], "")),
        states(sockets),
        source.page,
    )


def pairs(text: str) -> dict[str, int]:
    """Return the figures of a file in which a line of names precedes one of values."""
    found: dict[str, int] = {}
    lines = text.splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        figures = map(int, values.split()[1:])
        found.update(zip(_columns(names), figures, strict=True))
    return found


@lru_cache(maxsize=32)
def _columns(line: str) -> tuple[str, ...]:
    """Name the columns of a line; a kernel writes the same ones each time."""
    protocol, *columns = line.split()
    return tuple(f"{protocol.rstrip(':')}_{name}" for name in columns)


def single(text: str) -> dict[str, int]:
    """Return the figures of /proc/net/snmp6, such as `Udp6_InErrors`."""
    found = {}
    for line in text.splitlines():
        name, value = line.split()
        protocol, six, what = name.partition("6")
        found[f"{protocol}{six}_{what}"] = int(value)
    return found


def states(text: str) -> dict[str, int]:
    """Return the figures of /proc/net/sockstat, such as `TCP_inuse`."""
    found = {}
    for line in text.splitlines():
        protocol, *rest = line.split()
        for name, value in zip(rest[::2], rest[1::2], strict=True):
            found[f"{protocol.rstrip(':')}_{name}"] = int(value)
    return found


def samples(rows: Sockets, state: None) -> Iterator[Sample]:
    """Turn the figures into samples."""
    del state
    yield from _known(COUNTED, rows.counted)
    yield from _known(SOCKETS, rows.sockets)
    for protocol, metric in MEMORY.items():
        pages = rows.sockets.get(f"{protocol}_mem")
        yield metric(None if pages is None else pages * rows.page)


def _known(metrics: Mapping[str, Metric], found: Mapping[str, int]) -> Iterator[Sample]:
    for name, metric in metrics.items():
        yield metric(found.get(name))


COLLECTOR = Collector(
    name="sockets",
    source=SourceKind.HOST,
    metrics=(*COUNTED.values(), *SOCKETS.values(), *MEMORY.values()),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
