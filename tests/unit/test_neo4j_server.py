"""The collector `server` on rows as 5.26 gives them, and on what others lack."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from exporter.collectors import neo4j_server
from exporter.collectors.neo4j_server import Database, Gc, Jvm, Reading, samples
from exporter.sources.neo4j_rows import Server
from tests.unit.neo4j_recorded import values

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
    start_ms=1795258435735,
)
READING = Reading(
    server=Server("5.26.31", "community", "5"),
    names=("neo4j", "system"),
    databases=[Database("neo4j", "online"), Database("system", "online")],
    jvm=[JVM],
    gc=[Gc("Copy", 98, 454), Gc("MarkSweepCompact", 4, 243)],
)
STATUS = "neo4j_database_status"


def test_the_server_says_what_it_is_and_when_it_started() -> None:
    found = values(samples(READING, None))
    assert found["neo4j_info"] == {("5.26.31", "community", "5"): 1}
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


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("online", "online"),
        ("offline", "offline"),
        ("store copying", "store_copying"),
        ("quarantined", "quarantined"),
        ("deallocating", "other"),
        ("ONLINE", "online"),
    ],
)
def test_one_status_of_a_database_holds_out_of_a_closed_set(
    text: str, status: str
) -> None:
    reading = replace(READING, names=("neo4j",), databases=[Database("neo4j", text)])
    found = values(samples(reading, None))[STATUS]
    assert {key[1]: value for key, value in found.items() if value} == {status: 1}
    assert len(found) == 9


def test_a_database_that_is_gone_is_in_no_status() -> None:
    reading = replace(READING, databases=[Database("system", "online")])
    found = values(samples(reading, None))[STATUS]
    assert {value for key, value in found.items() if key[0] == "neo4j"} == {0}


def test_copies_in_a_cluster_are_counted_and_make_no_duplicates() -> None:
    copies = [Database("neo4j", text) for text in ("online", "online", "starting")]
    found = values(samples(replace(READING, databases=copies), None))[STATUS]
    assert (found["neo4j", "online"], found["neo4j", "starting"]) == (2, 1)


def test_commits_are_those_of_the_member_that_is_furthest() -> None:
    copies = [Database("neo4j", "online", number) for number in (90412, 90410, None)]
    found = values(samples(replace(READING, databases=copies), None))
    assert found["neo4j_transactions_committed_total"] == {("neo4j",): 90412}


def test_community_does_not_tell_its_commits() -> None:
    assert "neo4j_transactions_committed_total" not in values(samples(READING, None))


def test_what_a_jvm_does_not_say_is_absent() -> None:
    nothing = Jvm(**{field.name: None for field in fields(Jvm)})
    found = values(
        samples(replace(READING, jvm=[nothing], gc=[Gc("Copy", None, None)]), None)
    )
    assert set(found) == {"neo4j_info", STATUS}


def test_every_sample_is_of_a_declared_metric() -> None:
    copies = [Database("neo4j", "online", 7)]
    reading = replace(READING, databases=copies)
    made = {sample.metric for sample in samples(reading, None)}
    assert made == {*neo4j_server.COLLECTOR.metrics}
