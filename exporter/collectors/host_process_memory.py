"""What each process group takes of memory, when what is shared is divided up.

node_process_group_proportional_memory_bytes{group="postgres"} 3.1e+08
node_process_group_proportional_swap_bytes{group="postgres"} 0

Unlike resident memory, a buffer that a hundred processes share counts once. The kernel
walks through every page for it: hence rarely, and a quarter of a second at the most. A
group of which not all could be read (too large, or of another user) has none, nor has
any before Linux 4.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, Cost, Finding, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource
    from exporter.sources.host_shares import Share

_SECONDS = 0.25

MEMORY = gauge(
    "node_process_group_proportional_memory_bytes",
    "Pss of /proc/PID/smaps_rollup: bytes, read every five minutes.",
    "group",
)
SWAP = gauge(
    "node_process_group_proportional_swap_bytes",
    "SwapPss of /proc/PID/smaps_rollup: bytes, read every five minutes.",
    "group",
)


class Shares(NamedTuple):
    """The configured groups, and the share of each process."""

    groups: tuple[str, ...]
    found: list[Share]


async def read(source: HostSource) -> Shares:
    """Read the shares of the processes of all groups."""
    groups = tuple(group.name for group in source.config.process_groups)
    return Shares(groups, await source.shares(_SECONDS))


def samples(rows: Shares, state: None) -> Iterator[Sample]:
    """Sum the shares by group."""
    del state
    for group in rows.groups:
        own = [one for one in rows.found if one.group == group]
        for metric, values in (
            (MEMORY, [one.memory for one in own]),
            (SWAP, [one.swap for one in own]),
        ):
            known = [value for value in values if value is not None]
            yield metric(sum(known) if len(known) == len(values) else None, group)


async def inspect(source: HostSource) -> list[Finding]:
    """Name the groups of which not all could be read."""
    found = await source.shares(_SECONDS)
    return [
        Finding(
            f"memory of group {group} without what its processes share",
            "AmbientCapabilities=CAP_SYS_PTRACE in the systemd unit; where processes "
            f"are too large for {_SECONDS:g} s, or Linux is older than 4.14, switch "
            "the collector off",
        )
        for group in sorted({one.group for one in found if one.memory is None})
    ]


COLLECTOR = Collector(
    name="process_memory",
    source=SourceKind.HOST,
    metrics=(MEMORY, SWAP),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none; CAP_SYS_PTRACE for other users' processes",
    cost=Cost.COSTLY,
    interval=300.0,
    inspect=inspect,
)
