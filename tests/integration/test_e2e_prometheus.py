"""End to end: a real Prometheus scrapes us, and polls follow its scrapes."""

from __future__ import annotations

import threading
import time
import urllib.parse
import urllib.request
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import redis

from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import ExporterProcess, open_folder
from tests.integration.prometheus_process import PrometheusProcess
from tests.integration.verdicts import HOST, healthy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RUN = 20.0  # seconds
INTERVAL = 1.0
LEARNING = 5  # scrapes until the period is learned and the polls are in step
LAST = "kpi_exporter_collector_last_success_timestamp_seconds"
QUERIES = "kpi_exporter_source_queries_total"
INFO_CALLS = 3  # per poll: of the collectors info, commandstats and cluster
OFF = (
    *("acl", "buffer_limits", "clients", "keys", "latency", "latency_events"),
    *("members", "memory", "sentinel", "slowlog"),
)


class Prometheus(PrometheusProcess):
    """A Prometheus with one job."""

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        super().__init__(folder, {"scrape_configs": [job]})

    def values(self, query: str) -> dict[str, list[tuple[float, float]]]:
        """Return the samples of a range selector by job and target."""
        found = {}
        for series in self.ask("query", query=query)["result"]:
            labels = series["metric"]
            key = f"{labels.get('job')}/{labels.get('target', labels.get('instance'))}"
            found[key] = [(at, float(value)) for at, value in series["values"]]
        return found


class Seen(NamedTuple):
    """One scrape: when it began, when the data's poll ended, all queries till then."""

    at: float
    polled: float
    queries: float


class World(NamedTuple):
    """Everything that ran for a while."""

    whole: Prometheus
    probing: Prometheus
    exporter: ExporterProcess
    first: list[Seen]
    second: list[Seen]
    calls: int
    seconds: float


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Let three exporters run: under one Prometheus each, and under two scrapers."""
    with open_folder() as folder:
        server = RedisServer(folder / "redis")
        server.start()
        shared = RedisServer(folder / "shared")
        shared.start()
        one, two = (
            ExporterProcess(folder / name, config_of(server)) for name in ("one", "two")
        )
        three = ExporterProcess(folder / "three", config_of(shared))
        whole = Prometheus(folder / "whole", static_job(one))
        probing = Prometheus(folder / "probing", discovery_job(two))
        parts = (one, two, three, whole, probing)
        try:
            for part in parts:
                part.start()
            yield observe(whole, probing, three, shared)
        finally:
            for part in reversed(parts):
                part.stop()
            shared.stop()
            server.stop()


def config_of(server: RedisServer) -> dict[str, Any]:
    return {
        "interval": "1s",
        "redis": {
            "cache": {
                "url": server.url,
                "collectors": {name: {"enabled": False} for name in OFF},
            }
        },
        "host": HOST,
    }


def static_job(exporter: ExporterProcess) -> dict[str, Any]:
    address = f"127.0.0.1:{exporter.port}"
    return {"job_name": "kpi", "static_configs": [{"targets": [address]}]}


def discovery_job(exporter: ExporterProcess) -> dict[str, Any]:
    url = f"http://127.0.0.1:{exporter.port}/sd"
    discovery = {"url": url, "refresh_interval": "1s"}
    return {"job_name": "discovered", "http_sd_configs": [discovery]}


def observe(
    whole: Prometheus,
    probing: Prometheus,
    exporter: ExporterProcess,
    server: RedisServer,
) -> World:
    """Scrape the third exporter twice a second, half a second apart, for a while."""
    healthy(exporter)
    first: list[Seen] = []
    second: list[Seen] = []
    begin = time.time() + 0.2
    with redis.Redis(port=server.port, protocol=2) as admin:
        admin.config_resetstat()
        threads = [
            threading.Thread(target=scrape, args=(exporter, begin + offset, seen))
            for offset, seen in ((0.0, first), (0.5, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        calls: int = admin.info("commandstats")["cmdstat_info"]["calls"]
    return World(whole, probing, exporter, first, second, calls, time.time() - begin)


def scrape(exporter: ExporterProcess, begin: float, seen: list[Seen]) -> None:
    for turn in range(int(RUN / INTERVAL)):
        time.sleep(max(0.0, begin + turn * INTERVAL - time.time()))
        at = time.time()
        page = exporter.page()
        polled = page.value(LAST, target="cache", collector="info") or 0.0
        queries = page.value(QUERIES, target="cache") or 0.0
        seen.append(Seen(at, polled, queries))


def test_prometheus_scrapes_the_whole_page_without_an_error(world: World) -> None:
    (target,) = world.whole.ask("targets", state="active")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    (up,) = world.whole.values("up[1h]").values()
    assert len(up) > RUN / INTERVAL / 2
    assert {value for _, value in up} == {1.0}


def test_prometheus_discovers_and_probes_each_target_without_an_error(
    world: World,
) -> None:
    active = world.probing.ask("targets", state="active")["activeTargets"]
    found = {
        (target["labels"]["job"], target["labels"]["instance"]): (
            target["health"],
            target["lastError"],
        )
        for target in active
    }
    _, (own,) = found, [i for job, i in found if job == "kpi-exporter"]
    assert found == {
        ("redis", "cache"): ("up", ""),
        ("node", "machine"): ("up", ""),
        ("kpi-exporter", own): ("up", ""),
    }
    for samples in world.probing.values("up[1h]").values():
        assert len(samples) > RUN / INTERVAL / 2
        assert {value for _, value in samples} == {1.0}


def test_prometheus_drops_no_sample(world: World) -> None:
    for server in (world.whole, world.probing):
        url = f"http://127.0.0.1:{server.port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        dropped = {
            line.split()[0]: float(line.split()[1])
            for line in lines
            if line.startswith(
                ("prometheus_target_scrapes_", "prometheus_target_scrape")
            )
            and ("duplicate" in line or "out_of" in line or "exceeded" in line)
        }
        assert len(dropped) >= 4
        assert set(dropped.values()) == {0.0}, dropped


def test_each_scrape_of_prometheus_sees_one_new_poll_and_fresh_data(
    world: World,
) -> None:
    for server, job in ((world.whole, "kpi"), (world.probing, "redis")):
        key = f"{job}/cache"
        polled = server.values(f'{LAST}{{collector="info"}}[1h]')[key]
        queries = server.values(f"{QUERIES}[1h]")[key]
        found = [
            Seen(at, time_, count)
            for (at, time_), (_, count) in zip(polled, queries, strict=True)
        ]
        assert_one_new_poll_each(found)


def test_of_two_scrapers_one_is_followed_and_the_other_sees_data_an_interval_old(
    world: World,
) -> None:
    followed, other = sorted((world.first, world.second), key=lambda s: sum(ages(s)))

    assert_one_new_poll_each(followed)
    assert most(age < INTERVAL + 0.2 for age in ages(other)), ages(other)


def test_polls_are_not_doubled_for_two_scrapers(world: World) -> None:
    polls = world.calls / INFO_CALLS

    assert 0.8 <= polls / (world.seconds / INTERVAL) <= 1.1


def assert_one_new_poll_each(scrapes: list[Seen]) -> None:
    assert len(scrapes) >= 2 * LEARNING
    assert most(age < 0.5 for age in ages(scrapes)), ages(scrapes)
    settled = pairwise(scrapes[LEARNING:])
    queries = [after.queries - before.queries for before, after in settled]
    assert most(count == INFO_CALLS for count in queries), queries


def ages(scrapes: list[Seen]) -> list[float]:
    """Return the age of the data at each scrape, after those that were learned from."""
    return [round(scrape.at - scrape.polled, 3) for scrape in scrapes[LEARNING:]]


def most(fine: Iterable[bool]) -> bool:
    """Whether at least 4 of 5 are: on a busy machine a poll may be late for once."""
    found = list(fine)
    return sum(found) >= 0.8 * len(found)
