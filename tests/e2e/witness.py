"""Looks at the machine itself, by other means than the exporter, while it is judged."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections import deque
from statistics import linear_regression
from typing import TYPE_CHECKING, NamedTuple

import psutil

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import NoReturn

    from exporter.demo.alerting.notice import Notice

_KEPT = 360  # readings: as long as the window in which disks are judged
_EVERY = 1.0
_SPAN = 20  # readings: as long as the least window of the rules at the demo's speed
_FILLED = {"free": 1e6, "inodes": 1e4, "available": 64e6}  # less may be of the moment
_TIMEX = 512  # bytes: more than a struct timex has
_TIME_ERROR = 5  # what adjtimex(2) returns where nothing corrects the clock
_SHORT_SPAN = 5  # readings: disks fill in bursts


class Reading(NamedTuple):
    """What the kernel says at one moment: seconds, bytes, shares, load per CPU."""

    at: float
    idle: float
    all: float
    memory: float
    available: dict[str, int]
    load: float
    free: dict[str, int]
    inodes: dict[str, int]
    busy: dict[str, float]


class Witness:
    """Reads every second; says whether a promise about the host was broken lately."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=_KEPT)
        plan = Plan(subjects=catalogue())
        kpis = [kpi for subject in plan.subjects for kpi in subject.kpis]
        self._promises = {
            (kpi.id, str(each.alert.severity)): each
            for kpi in kpis
            for each in plan.promises(kpi)
        }

    async def run(self) -> NoReturn:
        """Read until cancelled."""
        while True:
            self._readings.append(_read())
            await asyncio.sleep(_EVERY)

    def saw_less(self, of: str) -> bool:
        """Say whether some place has less and less of it, by the line through all seen.

        That is of `free` bytes or `inodes` of a file system, or `available` memory.
        """
        places: dict[str, list[tuple[float, int]]] = {}
        for reading in self._readings:
            for name, left in getattr(reading, of).items():
                places.setdefault(name, []).append((reading.at, left))
        return any(_fitted_loss(points) > _FILLED[of] for points in places.values())

    def saw(self, notice: Notice, lately: float = _KEPT) -> str | None:
        """Say what we saw of an alert ourselves; None when we saw nothing broken.

        Only the readings of the latest seconds count.
        """
        kpi = notice.labels.get("kpi", "")
        promised = self._promises.get((kpi, notice.severity))
        if promised is None or kpi not in _VALUES:
            return None
        readings = list(self._readings)[-int(lately / _EVERY) :]
        values = list(_VALUES[kpi](readings, notice.labels))
        lower = promised.kpi.better == "lower"
        worst = max(values, default=0.0) if lower else min(values, default=1e99)
        limit = promised.alert.limit
        broken = worst > limit if lower else worst < limit
        return f"{worst:.4g} by the kernel's own figures" if broken else None


def _read() -> Reading:
    times, memory = psutil.cpu_times(), psutil.virtual_memory()
    disks = psutil.disk_io_counters(perdisk=True) or {}
    mounts = [part.mountpoint for part in psutil.disk_partitions(all=False)]
    return Reading(
        at=time.monotonic(),
        idle=times.idle,
        all=sum(times) - times.guest - times.guest_nice,
        memory=1 - memory.available / memory.total,
        available={"": memory.available},
        load=os.getloadavg()[1] / (os.cpu_count() or 1),
        free={mount: psutil.disk_usage(mount).free for mount in mounts},
        inodes={mount: os.statvfs(mount).f_favail for mount in mounts},
        busy={name: disk.busy_time / 1000 for name, disk in disks.items()},
    )


def _fitted_loss(points: Sequence[tuple[float, int]]) -> float:
    """Return how much less the straight line through them has at its end."""
    times, values = [at for at, _ in points], [left for _, left in points]
    if times[0] == times[-1]:
        return 0.0
    return -linear_regression(times, values).slope * (times[-1] - times[0])


def _spans(
    readings: Sequence[Reading], length: int
) -> Iterator[tuple[Reading, Reading]]:
    """Yield pairs that lie so many readings apart, or as many as there are."""
    apart = min(length, len(readings) - 1)
    if apart > 0:
        yield from zip(readings, readings[apart:], strict=False)


def _cpu(readings: Sequence[Reading], _: Mapping[str, str]) -> Iterator[float]:
    for before, now in _spans(readings, _SPAN):
        yield 1 - (now.idle - before.idle) / (now.all - before.all)


def _memory(readings: Sequence[Reading], _: Mapping[str, str]) -> Iterator[float]:
    yield from (each.memory for each in readings)


def _load(readings: Sequence[Reading], _: Mapping[str, str]) -> Iterator[float]:
    yield from (each.load for each in readings)


def _disk(readings: Sequence[Reading], labels: Mapping[str, str]) -> Iterator[float]:
    name = labels["device"]
    for before, now in _spans(readings, _SPAN):
        took = now.busy.get(name, 0.0) - before.busy.get(name, 0.0)
        yield took / (now.at - before.at)


def _full(readings: Sequence[Reading], labels: Mapping[str, str]) -> Iterator[float]:
    mount = labels["mountpoint"]
    for before, now in _spans(readings, _SHORT_SPAN):
        if now.free.get(mount, 0) < before.free.get(mount, 0):
            filled = before.free[mount] - now.free[mount]
            yield now.free[mount] / filled * (now.at - before.at)


def _clock(_: Sequence[Reading], __: Mapping[str, str]) -> Iterator[float]:
    only_asking = ctypes.create_string_buffer(_TIMEX)
    yield float(ctypes.CDLL(None).adjtimex(only_asking) == _TIME_ERROR)


def _neo4j(_: Sequence[Reading], __: Mapping[str, str]) -> Iterator[float]:
    for process in psutil.process_iter(["name", "create_time"]):
        if process.info["name"] == "java":
            yield time.time() - process.info["create_time"]


_VALUES: dict[
    str, Callable[[Sequence[Reading], Mapping[str, str]], Iterator[float]]
] = {
    "cpu_used": _cpu,
    "memory_used": _memory,
    "load_per_cpu": _load,
    "disk_busy": _disk,
    "disk_full_in": _full,
    "clock_unsynchronised": _clock,
    "neo4j_uptime": _neo4j,
}
