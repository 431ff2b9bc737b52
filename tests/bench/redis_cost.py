"""What polls of a busy Redis cost: clients, commands and slow entries in plenty."""

from __future__ import annotations

import gzip
import socket
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import redis

from exporter.collector import SourceKind
from exporter.demo.servers.redis import RedisServer
from tests.bench import rivals
from tests.bench.client import Scraper, beat, samples
from tests.bench.machine import cpu_seconds, resident_mib
from tests.bench.report import Line
from tests.bench.rounds import EVERY, best, per_round
from tests.bench.world import KEYS, quickened, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

_CLIENTS = 1000
_SLOW = 128  # entries, all that the log holds
_ROUNDS = 20
_BEST_OF = 3
_KINDS = (SourceKind.REDIS,)
# What redis_exporter does not show, or only when asked to (CLIENT LIST).
_OWN = ("acl", "clients", "keys", "members", "memory", "sentinel")
# What ends, blocks or empties the server, or changes the connection.
_NOT = (
    *("acl", "auth", "bg", "bl", "br", "bz", "client", "cluster", "config", "debug"),
    *("exec", "fail", "flush", "func", "hello", "latency", "migrate", "module"),
    *("monitor", "multi", "psub", "psync", "quit", "replica", "repl", "reset"),
    *("save", "script", "shutdown", "slaveof", "slowlog", "ssub", "subs", "swapdb"),
    *("sync", "wait", "watch", "command", "sentinel"),
)


def run(world: World) -> Iterator[Line]:
    """Compare polls of ours with scrapes of the other, on the same server."""
    with _busy(world) as server:
        same, every, theirs = [], [], []
        for turn in range(_BEST_OF):
            world.say(f"{_ROUNDS} rounds of each, {turn + 1} of {_BEST_OF}")
            same.append(_ours(world, server, _OWN))
            every.append(_ours(world, server, ()))
            theirs.append(_theirs(world, server))
        other = best(theirs) if theirs[0] else {}
        yield from _lines(f"kpi-exporter, {rivals.REDIS}'s names", best(same), other)
        yield from _lines("kpi-exporter, everything", best(every), {})
        if other:
            yield from _lines(rivals.REDIS, other, {})


def _lines(who: str, found: dict[str, float], most: dict[str, float]) -> Iterator[Line]:
    """Say what was found, and what is the most that it may be."""
    yield Line(
        f"Redis CPU per poll of {who}", found["redis"], "ms", most=most.get("redis")
    )
    what = f"CPU per poll and scrape of {who}"
    yield Line(what, found["we"], "ms", most=most.get("we"))
    what, seconds = f"time of a scrape of {who}", most.get("seconds")
    aim = None if seconds is None else seconds * 1e3
    yield Line(what, found["seconds"] * 1e3, "ms", most=aim)
    note = f"{found['bytes']:,.0f} bytes compressed, {found['samples']:,.0f} samples"
    yield Line(f"resident memory of {who}", found["mib"], "MiB", note=note)


def _ours(
    world: World, server: RedisServer, without: tuple[str, ...]
) -> dict[str, float]:
    config: dict[str, Any] = {"redis": {"the-redis": {"url": server.url}}}
    quick = quickened(config, _KINDS, EVERY)
    collectors = quick["redis"]["the-redis"].setdefault("collectors", {})
    collectors |= {name: {"enabled": False} for name in without}
    with world.exporter(quick) as exporter:
        wait_for_all(exporter)
        pids = {"we": exporter.process.pid, "redis": server.process.pid}
        found = per_round(exporter, pids) | {"mib": resident_mib(pids["we"])}
        return found | _scrapes(exporter.port)


def _scrapes(port: int) -> dict[str, float]:
    with Scraper(port) as scraper:
        begun = time.perf_counter()
        for _ in range(_ROUNDS):
            body = bytes(scraper.fetch())
        seconds = (time.perf_counter() - begun) / _ROUNDS
        text = gzip.decompress(body).decode()
    return {"seconds": seconds, "bytes": len(body), "samples": samples(text)}


def _theirs(world: World, server: RedisServer) -> dict[str, float]:
    url = server.url.removesuffix("/0")
    with rivals.Rivals(
        world, (rivals.REDIS,), options=(f"-redis.addr={url}",)
    ) as running:
        for rival in running:
            body = rival.scrape()
            pids = {"we": rival.pid, "redis": server.process.pid}
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            spent = 0.0
            for _ in beat(EVERY, _ROUNDS):
                begun = time.perf_counter()
                body = rival.scrape()
                spent += time.perf_counter() - begun
            found = {
                name: (cpu_seconds(pid) - before[name]) / _ROUNDS * 1e3
                for name, pid in pids.items()
            }
            text = gzip.decompress(body).decode()
            return found | {
                "seconds": spent / _ROUNDS,
                "bytes": len(body),
                "samples": samples(text),
                "mib": resident_mib(rival.pid),
            }
    return {}


@contextmanager
def _busy(world: World) -> Iterator[RedisServer]:
    with ExitStack() as stack:
        server = RedisServer(world.folder / "busy-redis")
        stack.callback(server.stop)
        server.start()
        with redis.Redis.from_url(server.url, protocol=2) as client:
            client.mset({f"key-{n}": "x" * 100 for n in range(KEYS)})
            _use_commands(client)
            client.config_set("slowlog-log-slower-than", 0)
            for n in range(_SLOW):
                client.mget([f"key-{n}"] * 50)
            client.config_set("slowlog-log-slower-than", 10_000)
            used = len(client.info("commandstats"))
        for n in range(_CLIENTS):
            one = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port))
            )
            one.sendall(b"CLIENT SETNAME pool-%d\r\n" % (n % 40))
        world.say(f"{used} commands, {_CLIENTS:,} clients, {_SLOW} slow entries")
        yield server


def _use_commands(client: redis.Redis) -> None:
    """Call every command that does no harm, with words that fit its arity."""
    known: dict[str, Any] = client.command()
    for name, details in known.items():
        if name.startswith(_NOT):
            continue
        words = ["1"] * (abs(int(details["arity"])) - 1)
        try:
            client.execute_command(name, *words)  # type: ignore[no-untyped-call]  # driver
        except redis.RedisError:
            continue
