"""Loads on a real server: what the collector reads, and the truth of auto_explain."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
import time
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg

from exporter.collectors._postgres_rows import QUERY, TOPLEVEL, USER, unpacked
from exporter.collectors._postgres_statements_view import counted
from exporter.collectors.postgres_statements import read
from exporter.config import PostgresTarget
from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.process import ServerError
from exporter.sources.postgres import PostgresSource
from tests.bench.latency_loads import Poll

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.collectors._postgres_moments import Counted
    from exporter.collectors.postgres_statements import Rows
    from tests.bench.world import World

_SECONDS = 60.0
_EVERY = 5.0
_CLIENTS = 8  # so many calls may fall on either side of a poll
_DURATION = re.compile(r"duration: ([\d.]+) ms  plan:\n\s*Query Text: (.*)")
_MIX = """\
\\set id random(1, 100000)
\\set kind random(1, 100)
\\if :kind <= 60
SELECT abalance FROM pgbench_accounts WHERE aid = :id;
\\elif :kind <= 80
SELECT sum(abalance) FROM pgbench_accounts WHERE aid BETWEEN :id AND :id + 2000;
\\elif :kind <= 90
UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1;
\\elif :kind <= 96
SELECT pg_sleep(0.02 * exp(sqrt(-2 * ln(1 - random())) * cos(6.2831853 * random())));
\\else
SELECT pg_sleep(CASE WHEN random() < 0.1 THEN 0.15 ELSE 0.001 END), 1;
\\endif
"""
LIVE = {
    "tpcb": ["-c", "4", "-R", "100"],
    "-S": ["-c", "4", "-S", "-R", "400"],
    "mix": ["-c", "8", "-R", "80", "-f", "mix.sql"],
}


def recorded(
    world: World, name: str, intervals: Sequence[float]
) -> Iterator[tuple[float, list[Poll]]]:
    """Run a load for a minute and cut it into polls of each length."""
    world.say(f"load {name} for {_SECONDS:g} s, every statement logged")
    folder = world.folder / f"latency{name.strip('-')}"
    server = PostgresServer(
        folder,
        settings={
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_timing": "off",
            "pg_stat_statements.track_utility": "off",
            "log_line_prefix": "",
        },
    )
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as session:
            session.execute("create extension pg_stat_statements")
            session.execute("create role web superuser login password 'postgres'")
        _pgbench(server, ["-i", "-q", "-s", "1"])
        server.folder.joinpath("mix.sql").write_text(_MIX, "utf-8")
        rows, marks = _watched(server, name)
    finally:
        server.stop()
    log = (server.folder / "postgres.log").read_bytes()
    for interval in intervals:
        step = round(interval / _EVERY)
        yield interval, _cut(rows[::step], marks[::step], log, rows)


def _watched(server: PostgresServer, name: str) -> tuple[list[Rows], list[int]]:
    """Poll while the load runs; returns the readings and where the log was then."""
    ended = threading.Event()

    def load() -> None:
        _pgbench(server, ["-n", "-T", str(int(_SECONDS + 3)), *LIVE[name]])
        ended.set()

    threading.Thread(target=load).start()
    time.sleep(1)
    found = asyncio.run(_polled(server))
    ended.wait(30)
    return found


async def _polled(server: PostgresServer) -> tuple[list[Rows], list[int]]:
    target = PostgresTarget.model_validate({"dsn": server.dsn(), "timeout": "5s"})
    source = PostgresSource(target)
    rows, marks = [], []
    log = server.folder / "postgres.log"
    began = time.monotonic()
    try:
        for number in range(int(_SECONDS / _EVERY) + 1):
            await asyncio.sleep(max(0.0, began + number * _EVERY - time.monotonic()))
            await source.connect(5)
            rows.append(await source.run(read, 5))
            marks.append(log.stat().st_size)
    finally:
        await source.close()
    return rows, marks


def _cut(
    rows: list[Rows], marks: list[int], log: bytes, looks: list[Rows]
) -> list[Poll]:
    """Turn readings into polls: what grew, what was seen running, what was logged."""
    web = {oid for oid, name in rows[0].users.items() if name == "web"}
    before = _view(rows[0], web)
    found = [Poll(before, {}, [], base=True)]
    for (old, new), (start, end) in zip(pairwise(rows), pairwise(marks), strict=True):
        now = _view(new, web)
        grown = {key: one for key, one in now.items() if one != before.get(key)}
        ages: dict[int, list[float]] = defaultdict(list)
        for one in looks:
            if old.info.now < one.info.now <= new.info.now:
                for (user, _, query), seen in one.looks.ages.items():
                    ages[query] += seen if user in web else []
        text = log[start:end].decode("utf-8", "replace")
        took = [
            float(ms) / 1000
            for ms, sql in _DURATION.findall(text)
            if "kpi-exporter" not in sql
        ]
        found.append(Poll(grown, dict(ages), took, slack=_CLIENTS))
        before = now
    return found


def _view(rows: Rows, users: set[int]) -> dict[int, Counted]:
    return {
        row[QUERY]: counted(row)
        for row in map(unpacked, rows.sent.found)
        if row[USER] in users and row[TOPLEVEL]
    }


def _pgbench(server: PostgresServer, options: list[str], user: str = "web") -> None:
    done = subprocess.run(
        [str(server.programs / "pgbench"), *options, server.dsn(user=user)],
        cwd=server.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS + 60,
    )
    if done.returncode != 0:
        raise ServerError(f"pgbench failed: {done.stderr[-500:]}")
