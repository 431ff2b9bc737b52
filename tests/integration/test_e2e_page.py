"""End to end: the whole page is one that Prometheus and its linter are content with."""

from __future__ import annotations

import gzip
import http.client
from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.redis import RedisServer, from_wheel
from exporter.errors import Reason
from tests.integration.exporter_process import TOKEN, ExporterProcess, Page, open_folder
from tests.integration.monitored_postgres import started
from tests.integration.verdicts import (
    HOST,
    SOON,
    TIMES,
    findings,
    healthy,
    targets,
    tells_no_secret,
)
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIRS = {
    "pg_stat_database_numbackends": {"orders", "billing"},
    "pg_settings_max_connections": {"orders", "billing"},
    "redis_memory_used_bytes": {"cache", "queue"},
    "kpi_exporter_target_info": {"orders", "billing", "cache", "queue", "machine"},
}


@pytest.fixture(scope="module")
def exporter() -> Iterator[ExporterProcess]:
    """Run two targets of a kind each, of different versions, and the host."""
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        cache = RedisServer(folder / "redis", password=TOKEN)
        queue = RedisServer(folder / "valkey", binary=from_wheel(), password=TOKEN)
        for server in (cache, queue):
            stack.callback(server.stop)
            server.start()
        dsns = {}
        for name, major in (("orders", 13), ("billing", 18)):
            found = started(folder / name, major)
            stack.callback(found.stop)
            dsns[name] = found.dsn("orders", "monitor")
        urls = {"cache": cache.url, "queue": queue.url}
        config = {
            "postgres": {name: {"dsn": dsn, **TIMES} for name, dsn in dsns.items()},
            "redis": {name: {"url": url, **TIMES} for name, url in urls.items()},
            "host": HOST,
        }
        process = stack.enter_context(ExporterProcess(folder / "exporter", config))
        healthy(process)
        yield process
        tells_no_secret(process)


def test_each_family_is_there_once_with_all_its_samples_together(
    exporter: ExporterProcess,
) -> None:
    page = healthy(exporter)
    headers = [line.split()[1:3] for line in page.text.splitlines() if line[0] == "#"]
    repeated = [tuple(key) for key, n in Counter(map(tuple, headers)).items() if n > 1]
    assert repeated == []
    assert [name for kind, name in headers if kind == "HELP"] == page.families

    family = ""
    strayed = []
    for line in page.text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
        elif line[0] != "#" and not line.startswith(family):
            strayed.append(line)
    assert strayed == []


def test_no_series_is_there_twice_and_no_value_is_none(
    exporter: ExporterProcess,
) -> None:
    lines = [line for line in healthy(exporter).text.splitlines() if line[0] != "#"]
    series = Counter(line.rpartition(" ")[0] for line in lines)

    assert [name for name, count in series.items() if count > 1] == []
    values = {line.rpartition(" ")[2] for line in lines}
    assert values & {"None", "NaN", "nan", ""} == set()


@pytest.mark.parametrize("family", PAIRS)
def test_targets_of_a_kind_share_their_families(
    family: str, exporter: ExporterProcess
) -> None:
    samples = healthy(exporter).samples(family)

    assert {labels["target"] for labels, _ in samples} == PAIRS[family]


def test_a_probe_says_what_the_whole_page_says_about_its_target(
    exporter: ExporterProcess,
) -> None:
    parts: dict[str, Page] = {}

    def told_alike(page: Page) -> bool:
        parts.update({n: exporter.page(f"/probe?target={n}") for n in targets(page)})
        return all(part.data(name) == page.data(name) for name, part in parts.items())

    healthy(exporter)
    whole = exporter.wait_for(told_alike, SOON)  # some families begin at a later poll

    assert parts.keys() == targets(whole)
    for name, part in parts.items():
        assert targets(part) == {name}
        assert part.data(name) == whole.data(name)
        assert "process_cpu_seconds_total" not in part.families
    own = set(exporter.page("/self").families)
    assert "process_cpu_seconds_total" in own
    assert set().union(own, *(p.families for p in parts.values())) == set(
        whole.families
    )


def test_every_reason_is_there_before_it_happens(exporter: ExporterProcess) -> None:
    page = healthy(exporter)

    for name in targets(page):
        found = page.samples("kpi_exporter_collector_failures_total", target=name)
        collectors = {labels["collector"] for labels, _ in found}
        success = page.samples("kpi_exporter_collector_success", target=name)
        assert collectors == {labels["collector"] for labels, _ in success}
        assert len(found) == len(collectors) * len(Reason)


def test_promtool_finds_fault_only_with_the_peers_names(
    exporter: ExporterProcess,
) -> None:
    assert findings(healthy(exporter)) - peers() == set()


def test_the_page_comes_in_the_format_that_prometheus_reads(
    exporter: ExporterProcess,
) -> None:
    healthy(exporter)
    answers = {}
    for encoding in ("identity", "gzip"):
        client = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=10)
        with closing(client):
            client.request("GET", "/metrics", headers={"Accept-Encoding": encoding})
            response = client.getresponse()
            answers[encoding] = (dict(response.headers), response.read())

    for headers, _ in answers.values():
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    headers, body = answers["gzip"]
    assert headers["Content-Encoding"] == "gzip"
    plain = answers["identity"][1]
    assert len(body) < len(plain) / 5
    assert (
        Page(gzip.decompress(body).decode()).families == Page(plain.decode()).families
    )


def peers() -> set[str]:
    """Return the names that we share with the peers, whose choice they were."""
    lines = (ROOT / "tests/data/peer-metrics.tsv").read_text().splitlines()[1:]
    return {line.split("\t")[1] for line in lines}
