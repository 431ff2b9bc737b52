"""Every collector's declaration: where it stands, what it is called, what it emits.

The rules are Prometheus' for metric names; a name that a peer has keeps the peer's type
and labels instead, so that the peer's dashboards work.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

import pytest

from exporter import collectors
from exporter.collector import Cost, SourceKind
from exporter.health import LAST_ERROR, UP
from exporter.metrics import Kind, Metric, counter, gauge
from tests.source import ROOT, files

COLLECTORS = [found for kind in SourceKind for found in collectors.load(kind)]
METRICS = [(found, metric) for found in COLLECTORS for metric in found.metrics]

PREFIXES = {
    SourceKind.POSTGRES: ("pg_",),
    SourceKind.NEO4J: ("neo4j_",),
    SourceKind.REDIS: ("redis_",),
    SourceKind.HOST: ("node_",),
}
# Where figures come from, as HELP must name it.
ORIGINS = {
    SourceKind.POSTGRES: r"\bpg_\w+|\bSHOW\b|\bversion\(\)",
    SourceKind.NEO4J: r"\b(SHOW|EXPLAIN|PROFILE)\b|\b(db|dbms)\.\w+|\bconfigur",
    SourceKind.REDIS: r"\b(INFO|CONFIG|CLUSTER|SLOWLOG|LATENCY|CLIENT|MODULE)\b",
    SourceKind.HOST: r"/proc\b|/sys\b|\b(statvfs|uname|adjtimex|clock_gettime)\b|D-Bus|"
    r"kpi-exporter",
}
TAKEN_LABELS = {
    *("region", "zone", "cluster", "env", "service", "team", "owner"),
    *("instance", "job", "target", "type", "le", "quantile"),
}
NO_WORDS = {
    *("gauge", "counter", "histogram", "percent", "pct"),
    *("ms", "us", "ns", "msec", "usec", "millis", "minutes", "hours", "kb", "mb", "gb"),
}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Peer(NamedTuple):
    """What a peer says of a metric of its own."""

    kind: str
    labels: frozenset[str]


def lines(file: str) -> list[str]:
    return (ROOT / "tests/data" / file).read_text().splitlines()


def peers() -> dict[str, Peer]:
    """Return the peers' metrics by name, without pids, which no label may hold."""
    rows = [line.split("\t") for line in lines("peer-metrics.tsv")[1:]]
    return {
        name: Peer(kind, frozenset(labels.split(",")) - {"", "pid"})
        for _, name, kind, labels in rows
    }


PEERS = peers()


def flaws(metric: Metric) -> list[str]:
    """List what Prometheus' rules hold against a metric of our own."""
    words, labels = metric.name.split("_"), {*metric.labels}
    is_counter = metric.kind is Kind.COUNTER
    rules = {
        "not snake_case": not all(map(NAME.fullmatch, [metric.name, *labels])),
        "_total is for counters": (words[-1] == "total") != is_counter,
        "a part of a histogram": words[-1] in {"sum", "count", "bucket"},
        "a type or no base unit": not NO_WORDS.isdisjoint(words),
        "a label that is taken": not TAKEN_LABELS.isdisjoint(labels),
        "a label in the name": any(f"_by_{label}" in metric.name for label in labels),
    }
    return [what for what, broken in rules.items() if broken]


def unlike(peer: Peer, metric: Metric) -> list[str]:
    """List how a metric differs from the peer's of the same name."""
    rules = {
        f"{metric.kind}, not {peer.kind}": metric.kind != peer.kind,
        f"lacks {sorted(peer.labels)}": not peer.labels <= {*metric.labels},
    }
    return [what for what, broken in rules.items() if broken]


@pytest.mark.parametrize("kind", SourceKind)
def test_every_source_has_collectors(kind: SourceKind) -> None:
    assert collectors.names(kind) != ()


def test_a_module_beside_the_collectors_is_one_or_is_private() -> None:
    inside = {n.split(".")[1] for n in files() if n.startswith("collectors.")}
    known = {f"{found.source}_{found.name}" for found in COLLECTORS}
    assert {name for name in inside if not name.startswith("_")} == known


@pytest.mark.parametrize("kind", SourceKind)
def test_a_collector_is_called_as_its_file(kind: SourceKind) -> None:
    found = collectors.load(kind)
    assert tuple((c.source, c.name) for c in found) == tuple(
        (kind, name) for name in collectors.names(kind)
    )


def test_a_file_shows_what_its_collector_emits() -> None:
    silent = [
        f"{c.source}_{c.name}"
        for c in COLLECTORS
        if not any(
            m.name in (sys.modules[c.read.__module__].__doc__ or "") for m in c.metrics
        )
    ]
    assert silent == []


def test_every_collector_names_the_privilege_it_needs() -> None:
    assert [c.name for c in COLLECTORS if not c.privilege.strip()] == []


def test_what_is_costly_has_an_interval_of_its_own() -> None:
    hasty = [c.name for c in COLLECTORS if c.cost is Cost.COSTLY and c.interval is None]
    assert hasty == []


def test_one_name_is_declared_in_one_way_only() -> None:
    seen: dict[str, Metric] = {}
    assert [m.name for _, m in METRICS if seen.setdefault(m.name, m) != m] == []


def test_names_begin_as_their_source_does() -> None:
    strays = [m.name for c, m in METRICS if not m.name.startswith(PREFIXES[c.source])]
    assert strays == []


def test_help_says_where_the_figure_comes_from() -> None:
    vague = {
        m.name: m.help for c, m in METRICS if not re.search(ORIGINS[c.source], m.help)
    }
    assert vague == {}


def test_a_peers_name_has_the_peers_type_and_labels() -> None:
    found = {m.name: unlike(PEERS[m.name], m) for _, m in METRICS if m.name in PEERS}
    assert {name: what for name, what in found.items() if what} == {}


def test_all_that_peers_dashboards_need_is_emitted() -> None:
    ours = (*UP.values(), *LAST_ERROR.values())
    emitted = {m.name for _, m in METRICS} | {m.name for m in ours}
    needed = {line.split("\t")[0] for line in lines("peer-needs.tsv")}
    missing = {n for n in needed if not {n, n.removesuffix("_bucket")} & emitted}
    assert missing == set()


def test_our_own_names_keep_prometheus_rules() -> None:
    found = {m.name: flaws(m) for _, m in METRICS if m.name not in PEERS}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    ("metric", "flaw"),
    [
        (gauge("pg_cacheHits", ""), "not snake_case"),
        (counter("pg_hits", ""), "_total is for counters"),
        (gauge("pg_hits_total", ""), "_total is for counters"),
        (gauge("pg_wait_sum", ""), "a part of a histogram"),
        (gauge("pg_wait_ms", ""), "a type or no base unit"),
        (gauge("pg_wait_seconds", "", "instance"), "a label that is taken"),
        (gauge("pg_waits_by_state", "", "state"), "a label in the name"),
    ],
)
def test_a_name_against_the_rules_is_found(metric: Metric, flaw: str) -> None:
    assert flaws(metric) == [flaw]


def test_a_peers_metric_of_another_type_or_with_a_label_less_is_found() -> None:
    peer = Peer("counter", frozenset({"cmd"}))
    assert unlike(peer, gauge("redis_commands_total", "")) == [
        "gauge, not counter",
        "lacks ['cmd']",
    ]
