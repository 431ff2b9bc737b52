"""How full the file systems are; virtual ones and those of containers are left out.

node_filesystem_avail_bytes{device="/dev/vda",mountpoint="/",fstype="ext4",…} 8e+10
node_filesystem_readonly{device="/dev/vda",mountpoint="/",fstype="ext4",…} 0
node_filesystem_device_error{…,device_error="mountpoint timeout"} 1
node_filesystem_mount_info{device="/dev/vda",major="254",minor="0",mountpoint="/"} 1

A file system that does not answer has only the last three, and holds up nothing else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics import Sample
    from exporter.sources.host import HostSource

# The two are those of node_exporter.
_POINTS_LEFT_OUT = re.compile(
    r"/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+"
    r"|var/lib/containers/storage/.+)($|/)"
)
_TYPES_LEFT_OUT = frozenset(
    {
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs"),
        *("devpts", "devtmpfs", "erofs", "fusectl", "hugetlbfs", "iso9660", "mqueue"),
        *("nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs"),
        *("selinuxfs", "squashfs", "sysfs", "tracefs"),
    }
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_MOUNTS = "proc/1/mountinfo"
_OUR_MOUNTS = "proc/self/mountinfo"
_LABELS = ("device", "mountpoint", "fstype", "device_error")

SIZE = gauge("node_filesystem_size_bytes", "statvfs: bytes in all.", *_LABELS)
FREE = gauge("node_filesystem_free_bytes", "statvfs: free bytes.", *_LABELS)
AVAILABLE = gauge(
    "node_filesystem_avail_bytes", "statvfs: bytes that users may take.", *_LABELS
)
FILES = gauge("node_filesystem_files", "statvfs: number of inodes in all.", *_LABELS)
FILES_FREE = gauge(
    "node_filesystem_files_free", "statvfs: number of free inodes.", *_LABELS
)
READ_ONLY = gauge(
    "node_filesystem_readonly",
    "/proc/1/mountinfo: 1 if the options say ro, else 0.",
    *_LABELS,
)
ERROR = gauge(
    "node_filesystem_device_error",
    "statvfs: 1 if it failed or hangs, as device_error says, else 0.",
    *_LABELS,
)
MOUNT = gauge(
    "node_filesystem_mount_info",
    "/proc/1/mountinfo: what is mounted where; always 1.",
    *("device", "major", "minor", "mountpoint"),
)


class Mount(NamedTuple):
    """A line of mountinfo."""

    device: str
    mountpoint: str
    fstype: str
    major: str
    minor: str
    read_only: bool


class Usage(NamedTuple):
    """What statvfs says, in bytes and inodes."""

    size: int
    free: int
    available: int
    files: int
    files_free: int


class FileSystem(NamedTuple):
    """A mount and its usage, or why there is none."""

    mount: Mount
    usage: Usage | None
    error: str = ""


async def read(source: HostSource) -> list[FileSystem]:
    """Read the mounts of the first process, or else our own, and ask each once."""
    text = (await source.texts([_MOUNTS])).get(_MOUNTS)
    if text:
        mounts = parse(text)
    else:
        ours = parse(await source.text(_OUR_MOUNTS), is_ours=True)
        mounts = below(source.root, ours)
    answers = await source.usage(mount.mountpoint for mount in mounts)
    found = []
    for mount in mounts:
        answer = answers[mount.mountpoint]
        shown = mount._replace(
            device=_shown(mount.device), mountpoint=_shown(mount.mountpoint)
        )
        if isinstance(answer, str):
            found.append(FileSystem(shown, None, answer))
            continue
        unit = answer.f_frsize
        sizes = (answer.f_blocks * unit, answer.f_bfree * unit, answer.f_bavail * unit)
        usage = Usage(*sizes, answer.f_files, answer.f_ffree)
        found.append(FileSystem(shown, usage))
    return found


@lru_cache(2)  # mounts change rarely, and there may be hundreds
def parse(text: str, *, is_ours: bool = False) -> tuple[Mount, ...]:
    """Return the mounts that matter, the last one of those on the same mountpoint.

    Our own may all be read-only because of a container or of ProtectSystem: then the
    file system's own options say what is so for others.
    """
    found: dict[str, Mount] = {}
    for line in filter(None, text.split("\n")):  # a name may hold any other line break
        left, _, right = line.partition(" - ")
        _, _, numbers, _, mountpoint, options, *_ = left.split(" ")
        fstype, device, super_options, *_ = [*right.split(" "), ""]
        major, _, minor = numbers.partition(":")
        point = _unescaped(mountpoint)
        if fstype in _TYPES_LEFT_OUT or _POINTS_LEFT_OUT.match(point):
            found.pop(point, None)
            continue
        known = super_options if is_ours else f"{options},{super_options}"
        read_only = "ro" in known.split(",")
        found[point] = Mount(_unescaped(device), point, fstype, major, minor, read_only)
    return tuple(found.values())


def below(root: str, mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """Return the mounts below a root, as the machine calls them whose root it is."""
    prefix = root.rstrip("/")
    return tuple(
        mount._replace(mountpoint=mount.mountpoint.removeprefix(prefix) or "/")
        for mount in mounts
        if f"{mount.mountpoint}/".startswith(f"{prefix}/")
    )


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)


def _shown(text: str) -> str:
    """Return a name that can be written, whatever bytes it is of."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def samples(rows: Sequence[FileSystem], state: None) -> Iterator[Sample]:
    """Turn the file systems into samples."""
    del state
    for mount, usage, error in rows:
        labels = (mount.device, mount.mountpoint, mount.fstype, error)
        yield ERROR(int(usage is None), *labels)
        yield READ_ONLY(int(mount.read_only), *labels)
        yield MOUNT(1, mount.device, mount.major, mount.minor, mount.mountpoint)
        if usage is not None:
            yield SIZE(usage.size, *labels)
            yield FREE(usage.free, *labels)
            yield AVAILABLE(usage.available, *labels)
            yield FILES(usage.files, *labels)
            yield FILES_FREE(usage.files_free, *labels)


COLLECTOR = Collector(
    name="filesystem",
    source=SourceKind.HOST,
    metrics=(SIZE, FREE, AVAILABLE, FILES, FILES_FREE, READ_ONLY, ERROR, MOUNT),
    read=read,
    samples=samples,
    state=stateless,
    privilege="none",
)
