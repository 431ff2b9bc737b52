"""The collector `server` on rows as 5.26 gives them, and on what others lack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import neo4j_server
from exporter.collectors.neo4j_server import Database, Reading, samples
from exporter.sources.neo4j_rows import Server
from tests.unit.sampled import values

READING = Reading(
    server=Server("5.26.31", "community", "5"),
    names=("neo4j", "system"),
    databases=[Database("neo4j", "online"), Database("system", "online")],
)
STATUS = "neo4j_database_status"


def test_the_server_says_what_it_is() -> None:
    found = values(samples(READING, None))
    assert found["neo4j_info"] == {("5.26.31", "community", "5"): 1}


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
    assert len(found) == 10


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


def test_a_database_that_is_stopped_on_purpose_is_not_offline() -> None:
    rows = [
        Database("neo4j", "offline", asked=asked) for asked in ("offline", "online")
    ]
    found = values(samples(replace(READING, databases=rows), None))[STATUS]
    assert (found["neo4j", "stopped"], found["neo4j", "offline"]) == (1, 1)


def test_databases_that_are_not_configured_are_shown_after_those_that_are() -> None:
    rows = [Database(f"d{number:03}", "online") for number in range(200)]
    found = values(samples(replace(READING, databases=rows), None))[STATUS]
    names = [*dict.fromkeys(key[0] for key in found)]
    assert names == ["neo4j", "system", *(f"d{number:03}" for number in range(98))]


def test_copies_that_are_missing_or_late_are_counted() -> None:
    copy = Database(
        *("neo4j", "online"),
        behind=0,
        primaries=2,
        secondaries=1,
        asked_primaries=3,
        asked_secondaries=1,
    )
    rows = [copy, replace(copy, behind=-12), replace(copy, name="system", primaries=4)]
    found = values(samples(replace(READING, databases=rows), None))
    assert found["neo4j_database_copies_missing"] == {("neo4j",): 1, ("system",): 0}
    lag = found["neo4j_database_replication_lag_transactions"]
    assert lag == {("neo4j",): 12, ("system",): 0}


def test_who_does_not_say_how_many_copies_were_asked_for_misses_none() -> None:
    rows = [Database("neo4j", "online", primaries=1, secondaries=0)]
    found = values(samples(replace(READING, databases=rows), None))
    assert "neo4j_database_copies_missing" not in found
    assert "neo4j_database_replication_lag_transactions" not in found


def test_every_sample_is_of_a_declared_metric() -> None:
    copies = [Database("neo4j", "online", 7, behind=0, primaries=1, asked_primaries=1)]
    made = {
        sample.metric for sample in samples(replace(READING, databases=copies), None)
    }
    assert made == {*neo4j_server.COLLECTOR.metrics}
