"""Disks of software RAID: how many are needed, and how many work.

node_md_disks{device="md0",state="active"} 1
node_md_disks{device="md0",state="failed"} 1
node_md_disks_required{device="md0"} 2
node_md_blocks_synced{device="md0"} 1.6775552e+07
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

_FILE = "proc/mdstat"
_HEAD = re.compile(r"(?P<name>md\S+) : (?P<state>\w+)(?P<rest>.*)")
_MEMBER = re.compile(r"\S+\[\d+\](?P<flags>(?:\(\w\))*)")
_BLOCKS = re.compile(r"(?P<blocks>\d+) blocks")
_HEALTH = re.compile(r"\[(?P<total>\d+)/(?P<active>\d+)\] \[(?P<disks>[U_]+)\]")
_SYNC = re.compile(
    r"(?P<what>resync|recovery|reshape|check)\s*=\s*"
    r"(?:\S+ \((?P<done>\d+)/|DELAYED|PENDING|REMOTE)"
)
_STATES = ("active", "inactive", "recovering", "resync", "reshape", "check")
_DISKS = ("active", "failed", "spare", "down")

DISKS = gauge(
    "node_md_disks", "/proc/mdstat: number of disks by state.", *("device", "state")
)
REQUIRED = gauge(
    "node_md_disks_required", "/proc/mdstat: number of disks of a whole set.", "device"
)
BLOCKS = gauge("node_md_blocks", "/proc/mdstat: number of blocks of 1 KiB.", "device")
SYNCED = gauge(
    "node_md_blocks_synced",
    "/proc/mdstat: number of blocks that are alike on all disks.",
    "device",
)
STATE = gauge(
    "node_md_state",
    "/proc/mdstat: 1 for what the set does now, else 0.",
    *("device", "state"),
)


class Set(NamedTuple):
    """A set of disks: its state, disks by state, how many it needs, and its blocks."""

    name: str
    state: str
    disks: tuple[int, ...]
    required: int
    blocks: int
    synced: int


async def read(source: HostSource) -> list[Set]:
    """Read /proc/mdstat; without it there are no sets."""
    return parse((await source.texts([_FILE])).get(_FILE, ""))


def parse(text: str) -> list[Set]:
    """Return the sets of disks."""
    parts = re.split(r"^(?=md\S+ : )", text, flags=re.MULTILINE)
    found = (_set(part) for part in parts)
    return [one for one in found if one is not None]


def _set(text: str) -> Set | None:
    head = _HEAD.match(text)
    if head is None:
        return None
    flags = [member["flags"] for member in _MEMBER.finditer(head["rest"])]
    failed, spare = (sum(flag in each for each in flags) for flag in ("(F)", "(S)"))
    whole = len(flags) - failed - spare
    health = _HEALTH.search(text)
    required, active, down = (whole, whole, 0)
    if health:
        required, active = int(health["total"]), int(health["active"])
        down = health["disks"].count("_")
    if head["state"] == "inactive":
        active = 0
    blocks = _BLOCKS.search(text)
    size = int(blocks["blocks"]) if blocks else 0
    sync = _SYNC.search(text)
    state = head["state"]
    if sync:
        state = "recovering" if sync["what"] == "recovery" else sync["what"]
    return Set(
        name=head["name"],
        state=state,
        disks=(active, failed, spare, down),
        required=required,
        blocks=size,
        synced=int(sync["done"] or 0) if sync else size,
    )


def samples(sets: Sequence[Set], state: None) -> Iterator[Sample]:
    """Turn the sets into samples."""
    del state
    for one in sets:
        for name, count in zip(_DISKS, one.disks, strict=True):
            yield DISKS(count, one.name, name)
        yield REQUIRED(one.required, one.name)
        yield BLOCKS(one.blocks, one.name)
        yield SYNCED(one.synced, one.name)
        for name in _STATES:
            yield STATE(int(name == one.state), one.name, name)


COLLECTOR = Collector(
    name="raid",
    source=SourceKind.HOST,
    metrics=(DISKS, REQUIRED, BLOCKS, SYNCED, STATE),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
