"""The collector `jvm` on beans as 5.26 gives them, and on what others lack."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from exporter.collectors import neo4j_jvm
from exporter.collectors.neo4j_jvm import Jvm, Reading, samples
from tests.unit.sampled import values

JVM = Jvm(
    heap_used=51443600,
    heap_committed=383254528,
    heap_max=518979584,
    nonheap_used=153283872,
    nonheap_committed=156106752,
    nonheap_max=-1,
    threads=35,
    cpu_ns=22_250_000_000,
    open_files=343,
    max_files=20000,
    collectors=[
        {"name": "Copy", "count": 98, "spent_ms": 454},
        {"name": "MarkSweepCompact", "count": 4, "spent_ms": 243},
    ],
)
READING = Reading([JVM], 1795258435735)


def test_the_server_says_when_it_started() -> None:
    found = values(samples(READING, None))
    assert found["neo4j_jvm_start_time_seconds"] == {(): 1795258435.735}


def test_figures_are_in_base_units() -> None:
    found = values(samples(READING, None))
    assert found["neo4j_jvm_cpu_seconds_total"] == {(): 22.25}
    assert found["neo4j_jvm_gc_seconds_total"] == {
        ("Copy",): 0.454,
        ("MarkSweepCompact",): 0.243,
    }
    assert found["neo4j_jvm_gc_collections_total"]["Copy",] == 98
    assert found["neo4j_jvm_memory_used_bytes"] == {
        ("heap",): 51443600,
        ("nonheap",): 153283872,
    }


def test_what_has_no_limit_has_no_maximum() -> None:
    found = values(samples(READING, None))
    assert found["neo4j_jvm_memory_max_bytes"] == {("heap",): 518979584}


def test_what_a_jvm_does_not_say_is_absent() -> None:
    known: dict[str, Any] = {field.name: None for field in fields(Jvm)}
    silent = {"name": "Copy", "count": None, "spent_ms": None}
    nothing = Jvm(**{**known, "collectors": [silent]})
    assert values(samples(Reading([nothing], None), None)) == {}


def test_every_sample_is_of_a_declared_metric() -> None:
    made = {sample.metric for sample in samples(READING, None)}
    assert made == {*neo4j_jvm.COLLECTOR.metrics}
