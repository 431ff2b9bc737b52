"""What the host costs: this machine beside node_exporter, then a large one of files."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import SourceKind
from tests.bench import rivals
from tests.bench.client import Scraper, beat, samples
from tests.bench.machine import cpu_seconds, resident_mib
from tests.bench.report import Line
from tests.bench.rounds import EVERY, best, per_round
from tests.bench.world import quickened, wait_for_all
from tests.integration.host_machine import build
from tests.unit.host_tree import Fake, ProcTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.world import World

NEEDS = tuple(need for need in rivals.NEEDS if need.command == rivals.NODE)
_PROCESSES = 2000
_MEMBERS = 100  # of them in a group of ours
_MOUNTS = 200
_TURNS = 3
_ROUNDS = 20
_WARM_UP = 5
_TIMED = 200
# What node_exporter does not show: left out where the names are to be the same.
_OWN = ("capacity", "process_groups", "systemd")


class Found(NamedTuple):
    """What a scrape costs and gives; ours with the poll behind it."""

    milliseconds: float
    wall: float
    resident: float
    samples: int
    size: int


def run(world: World) -> Iterator[Line]:
    """Compare on this machine, then on a tree of 2,000 processes and 200 mounts."""
    world.say("this machine")
    yield from _compare(world, "this machine", {}, ())
    root = world.folder / "root"
    world.say(f"a tree of {_PROCESSES:,} processes and {_MOUNTS} mounts")
    _grow(root)
    options = (
        f"--path.rootfs={root}",
        f"--path.procfs={root / 'proc'}",
        f"--path.sysfs={root / 'sys'}",
    )
    large = f"{_PROCESSES:,} processes, {_MOUNTS} mounts"
    yield from _compare(world, large, {"rootfs": str(root)}, options)


def _compare(
    world: World, where: str, host: dict[str, Any], options: tuple[str, ...]
) -> Iterator[Line]:
    same = host | {"collectors": {name: {"enabled": False} for name in _OWN}}
    turns: list[tuple[Found, Found, Found | None]] = []
    for turn in range(_TURNS):
        world.say(f"{where}: {turn + 1} of {_TURNS}")
        theirs = _theirs(world, options) if rivals.NODE in world.present else None
        turns.append((_ours(world, same), _ours(world, host), theirs))
    names, every, theirs = (_best([turn[n] for turn in turns]) for n in range(3))
    if names is None or every is None:
        return
    most = theirs.milliseconds if theirs else None
    what = f"{where}: CPU per poll and scrape"
    yield Line(f"{what}, node_exporter's names", names.milliseconds, "ms", most=most)
    yield Line(f"{what}, everything", every.milliseconds, "ms", note=_said(every))
    wall = theirs.wall if theirs else None
    yield Line(f"{where}: scrape, median", every.wall, "ms", most=wall)
    yield Line(f"{where}: resident memory", every.resident, "MiB")
    if theirs:
        note = f"{_said(theirs)}, {theirs.wall:.1f} ms, {theirs.resident:.1f} MiB"
        what = f"{where}: CPU per scrape of {rivals.NODE}"
        yield Line(what, theirs.milliseconds, "ms", note=note)


def _said(found: Found) -> str:
    return f"{found.samples:,} samples, {found.size:,} bytes"


def _best(found: list[Found | None]) -> Found | None:
    there = [each for each in found if each is not None]
    if not there:
        return None
    figures = best([{**each._asdict()} for each in there])
    return Found(**figures)  # type: ignore[arg-type]  # counts are the same each time


def _ours(world: World, host: dict[str, Any]) -> Found:
    config = {"host": {"machine": dict(host)}}
    own = host.get("collectors", {})
    config = quickened(config, (SourceKind.HOST,), EVERY)
    config["host"]["machine"]["collectors"] |= own
    with world.exporter(config) as exporter:
        wait_for_all(exporter)
        pid = exporter.process.pid
        cost = per_round(exporter, {"us": pid})["us"]
        with Scraper(exporter.port, "/probe?target=machine") as scraper:
            page = scraper.text()
            wall = median(scraper.time(_TIMED)) * 1e3
        return Found(cost, wall, resident_mib(pid), samples(page), len(page))


def _theirs(world: World, options: tuple[str, ...]) -> Found:
    with rivals.Rivals(world, {rivals.NODE}, options=options) as (rival,):
        for _ in beat(EVERY, _WARM_UP):
            rival.scrape()
        before = cpu_seconds(rival.pid)
        for _ in beat(EVERY, _ROUNDS):
            rival.scrape()
        cost = (cpu_seconds(rival.pid) - before) / _ROUNDS * 1e3
        page = gzip.decompress(rival.scrape())
        wall = median(_timed(rival.scrape) for _ in range(_TIMED)) * 1e3
        resident = resident_mib(rival.pid)
    return Found(cost, wall, resident, samples(page.decode()), len(page))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _grow(root: Path) -> None:
    """Make the machine that is compared: its processes and its mounts."""
    build(root)
    tree = ProcTree(root / "proc")
    for pid in range(2, _PROCESSES + 2):
        name = "python3.11" if pid <= _MEMBERS + 1 else "nginx"
        tree.put(pid, Fake(name, f"/usr/bin/{name} --serve", resident=1000, files=4))
    lines = []
    for number in range(_MOUNTS):
        point = f"/srv/volume-{number}"
        (root / point[1:]).mkdir(parents=True)
        lines.append(f"{number} 1 8:{number} / {point} rw - ext4 /dev/sd{number} rw\n")
    for owner in ("1", "self"):
        folder = root / "proc" / owner
        folder.mkdir(exist_ok=True)
        (folder / "mountinfo").write_text("".join(lines))
        (folder / "mounts").write_text(_mounts(lines))
    (root / "proc/1/stat").write_text(Path("/proc/1/stat").read_text())


def _mounts(lines: list[str]) -> str:
    """Write mounts as older versions of node_exporter read them."""
    return "".join(
        f"{line.split()[8]} {line.split()[4]} ext4 rw 0 0\n" for line in lines
    )
