"""Reads cgroups of version 1 and 2: limits, what was used and what was waited for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._host_pressure import totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TOP = "sys/fs/cgroup"
_MICRO, _NANO = 10**6, 10**9
_NO_LIMIT = 2**60  # bytes; version 1 writes a number near 2**63 where there is none
_CONTROLLERS = ("memory", "cpu", "cpuacct", "cpuset")
_FILES = {
    "": "memory.max memory.current memory.stat memory.events cpu.max cpu.stat "
    "cpuset.cpus.effective cpu.pressure memory.pressure io.pressure",
    "memory": "memory.limit_in_bytes memory.usage_in_bytes memory.stat "
    "memory.oom_control",
    "cpu": "cpu.cfs_quota_us cpu.cfs_period_us cpu.stat",
    "cpuacct": "cpuacct.usage",
    "cpuset": "cpuset.effective_cpus",
}


class Memory(NamedTuple):
    """Bytes that may be used and are, without files that can be dropped at once."""

    limit: int
    used: int | None
    oom_kills: int | None


class Cpu(NamedTuple):
    """How many processors may be used, and the seconds that were."""

    limit: float
    used: float | None
    is_quota: bool


class Throttling(NamedTuple):
    """Periods of a quota, those in which it was used up, and seconds lost by that."""

    periods: int
    throttled: int
    seconds: float


class Cgroup(NamedTuple):
    """One cgroup: None is what it does not limit or does not tell."""

    path: str
    version: int
    memory: Memory | None
    cpus: tuple[Cpu, ...]
    throttling: Throttling | None
    pressure: dict[tuple[str, str], float]


class _File(NamedTuple):
    """A file to read: of which cgroup it is, what it says there, where it is."""

    is_first: bool
    cgroup: str
    name: str
    place: str


def files(membership: str) -> list[str]:
    """Return the files to read, given a process's /proc/PID/cgroup.

    They are those of the process's cgroup and of all above it, because each of them may
    limit it. A container may see its own cgroup as the top: then the rest is not there.
    """
    return [file.place for file in _files(membership)]


def cgroups(membership: str, texts: Mapping[str, str]) -> list[Cgroup]:
    """Return what the cgroups say, given the texts of those files that are there."""
    found: dict[tuple[bool, str], dict[str, str]] = {}
    for is_first, path, name, place in _files(membership):
        own = found.setdefault((is_first, path), {})
        if place in texts:
            own[name] = texts[place]
    return [
        _first(path, own) if is_first else _second(path, own)
        for (is_first, path), own in found.items()
        if own
    ]


@lru_cache(2)  # of a machine's first process: it hardly ever moves
def _files(membership: str) -> tuple[_File, ...]:
    return tuple(
        _File(
            bool(controller),
            path,
            f"{controller}:{name}" if controller else name,
            f"{_TOP}/{folder}{path.strip('/')}/{name}".replace("//", "/"),
        )
        for folder, controller, path in _places(membership)
        for name in _FILES[controller].split()
    )


def _places(membership: str) -> Iterator[tuple[str, str, str]]:
    """Yield folder, controller (empty: version 2) and path of all that may limit."""
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        parts = [part for part in path.split("/") if part]
        above = ["/" + "/".join(parts[:depth]) for depth in range(len(parts) + 1)]
        if not controllers:
            yield from (("", "", each) for each in above)
        for controller in set(controllers.split(",")) & set(_CONTROLLERS):
            yield from ((f"{controller}/", controller, each) for each in above)


def _second(path: str, texts: Mapping[str, str]) -> Cgroup:
    stat = numbers(texts.get("cpu.stat", ""))
    used = stat.get("usage_usec")
    spent = None if used is None else used / _MICRO
    throttling = None
    if "nr_periods" in stat:
        throttling = Throttling(
            stat["nr_periods"], stat["nr_throttled"], stat["throttled_usec"] / _MICRO
        )
    quota, _, period = texts.get("cpu.max", "max 1").strip().partition(" ")
    pressure = {
        (resource, line): seconds
        for resource in ("cpu", "memory", "io")
        for line, seconds in totals(texts.get(f"{resource}.pressure", "")).items()
    }
    memory = None
    if (limit := texts.get("memory.max", "max").strip()) != "max":
        memory = Memory(
            int(limit),
            _working(texts, ("memory.current", "memory.stat", "inactive_file")),
            numbers(texts.get("memory.events", "")).get("oom_kill"),
        )
    cpus = (
        [] if quota == "max" else [Cpu(int(quota) / int(period), spent, is_quota=True)]
    )
    cpus += _set(texts.get("cpuset.cpus.effective", ""), spent)
    return Cgroup(path, 2, memory, tuple(cpus), throttling, pressure)


def _first(path: str, texts: Mapping[str, str]) -> Cgroup:
    used = texts.get("cpuacct:cpuacct.usage")
    spent = None if used is None else int(used) / _NANO
    stat = numbers(texts.get("cpu:cpu.stat", ""))
    throttling = None
    if "nr_periods" in stat:
        throttling = Throttling(
            stat["nr_periods"], stat["nr_throttled"], stat["throttled_time"] / _NANO
        )
    quota = int(texts.get("cpu:cpu.cfs_quota_us", "-1"))
    period = int(texts.get("cpu:cpu.cfs_period_us", "1"))
    limit = int(texts.get("memory:memory.limit_in_bytes", _NO_LIMIT))
    memory = None
    if limit < _NO_LIMIT:
        names = ("memory.usage_in_bytes", "memory.stat", "total_inactive_file")
        own = {name: texts.get(f"memory:{name}", "") for name in names[:2]}
        kills = numbers(texts.get("memory:memory.oom_control", "")).get("oom_kill")
        memory = Memory(limit, _working(own, names), kills)
    cpus = [Cpu(quota / period, spent, is_quota=True)] if quota > 0 else []
    cpus += _set(texts.get("cpuset:cpuset.effective_cpus", ""), spent)
    return Cgroup(path, 1, memory, tuple(cpus), throttling, {})


def _set(text: str, spent: float | None) -> list[Cpu]:
    return [Cpu(count(text), spent, is_quota=False)] if text.strip() else []


def _working(texts: Mapping[str, str], names: tuple[str, str, str]) -> int | None:
    """Return the bytes in use without files that were not read lately."""
    current, stat, droppable = names
    text = texts.get(current, "").strip()
    if not text:
        return None
    return max(0, int(text) - numbers(texts.get(stat, "")).get(droppable, 0))


def numbers(text: str) -> dict[str, int]:
    """Return the figures of a file of lines `name number`."""
    pairs = (line.partition(" ") for line in text.splitlines())
    return {name: int(value) for name, _, value in pairs if value.strip().isdigit()}


def count(text: str) -> int:
    """Count the processors of a list such as `0-3,8`."""
    total = 0
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        total += int(last or first) - int(first) + 1
    return total
