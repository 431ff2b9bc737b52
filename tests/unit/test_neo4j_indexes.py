"""The collector `indexes` on rows as 5.26, a 2026 server and 4.4 give them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import neo4j_indexes
from exporter.collectors._neo4j_index import Index
from exporter.collectors.neo4j_indexes import Memory, Reading, samples
from tests.unit.sampled import values

BY_USER = Index(
    name="by_user",
    state="ONLINE",
    percent=100.0,
    kind="RANGE",
    entity="NODE",
    labels=["User"],
    properties=["id"],
    provider="range-1.0",
    owner=None,
    reads=1042,
    last_read=1795255200.5,
    tracked_since=1795250000.0,
)
LOOKUP = replace(
    BY_USER,
    name="index_343aff4e",
    kind="LOOKUP",
    labels=None,
    properties=None,
    provider="token-lookup-1.0",
    reads=0,
    last_read=None,
)
FAILED = replace(
    BY_USER,
    name="big",
    state="FAILED",
    percent=0.0,
    reads=None,
    last_read=None,
    tracked_since=None,
)
# Cypher 25 on 2026.09 gives the same columns, and a newer provider.
VECTOR_2026 = replace(
    BY_USER,
    name="embeddings",
    kind="VECTOR",
    provider="vector-2026.08",
    properties=["embedding"],
)
# 4.4 has no columns of use; an index of a constraint bears the constraint's name.
UNIQUE_44 = replace(
    BY_USER,
    name="user_id",
    kind="BTREE",
    provider="native-btree-1.0",
    owner="user_id",
    reads=None,
    last_read=None,
    tracked_since=None,
)
USER = ("neo4j", "by_user", "User", "id", "range")
OTHER = ("neo4j", "other", "", "", "")


def seen(
    *rows: Index, state: dict[str, Memory] | None = None
) -> dict[str, dict[tuple[str | None, ...], float]]:
    reading = Reading({"neo4j": list(rows)})
    return values(samples(reading, {} if state is None else state))


def crowd(count: int, reads: int = 0) -> list[Index]:
    return [replace(BY_USER, name=f"i{at}", reads=reads) for at in range(count)]


def test_an_index_says_its_state_population_and_use() -> None:
    found = seen(BY_USER)
    assert found["neo4j_index_state"] == {
        (*USER, "online"): 1,
        (*USER, "populating"): 0,
        (*USER, "failed"): 0,
        (*USER, "not_found"): 0,
        (*USER, "other"): 0,
    }
    assert found["neo4j_index_population_ratio"] == {USER: 1.0}
    assert found["neo4j_index_reads_total"] == {USER: 1042}
    assert found["neo4j_index_last_read_timestamp_seconds"] == {USER: 1795255200.5}
    assert found["neo4j_index_tracked_since_timestamp_seconds"] == {USER: 1795250000.0}
    assert found["neo4j_index_info"] == {
        ("neo4j", "by_user", "node", "range-1.0", None): 1
    }


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("ONLINE", "online"),
        ("POPULATING", "populating"),
        ("FAILED", "failed"),
        ("NOT FOUND", "not_found"),
        ("HIBERNATING", "other"),
    ],
)
def test_one_state_holds_out_of_a_closed_set(state: str, shown: str) -> None:
    found = seen(replace(BY_USER, state=state))["neo4j_index_state"]
    assert {key[-1]: value for key, value in found.items() if value} == {shown: 1}


def test_what_a_failed_index_does_not_know_is_absent() -> None:
    found = seen(FAILED)
    assert set(found) == {
        *("neo4j_index_state", "neo4j_index_population_ratio", "neo4j_index_info")
    }
    assert list(found["neo4j_index_population_ratio"].values()) == [0.0]


def test_an_index_that_was_never_read_has_no_last_read() -> None:
    found = seen(LOOKUP)
    labels = ("neo4j", "index_343aff4e", "", "", "lookup")
    assert found["neo4j_index_reads_total"] == {labels: 0}
    assert "neo4j_index_last_read_timestamp_seconds" not in found


def test_rows_of_other_versions_are_understood() -> None:
    found = seen(VECTOR_2026, UNIQUE_44)
    assert found["neo4j_index_info"] == {
        ("neo4j", "embeddings", "node", "vector-2026.08", None): 1,
        ("neo4j", "user_id", "node", "native-btree-1.0", "user_id"): 1,
    }
    assert found["neo4j_index_reads_total"] == {
        ("neo4j", "embeddings", "User", "embedding", "vector"): 1042
    }


def test_many_labels_and_properties_are_cut() -> None:
    labels = [f"Label{at}" for at in range(100)]
    row = replace(BY_USER, kind="FULLTEXT", labels=labels, properties=["a", "b"])
    ((key, _),) = seen(row)["neo4j_index_population_ratio"].items()
    assert key[2] is not None
    assert (len(key[2]), key[2][-1], key[3]) == (120, "…", "a,b")


def test_the_same_index_name_in_two_databases_makes_two_series() -> None:
    reading = Reading({"neo4j": [BY_USER], "sales": [BY_USER]})
    found = values(samples(reading, {}))["neo4j_index_reads_total"]
    assert {key[0] for key in found} == {"neo4j", "sales"}


def test_a_hundred_indexes_have_no_other() -> None:
    found = seen(*crowd(100))["neo4j_index_state"]
    assert len(found) == 500
    assert (*OTHER, "online") not in found


def test_beyond_a_hundred_the_rest_is_summed_by_state() -> None:
    rows = [*crowd(103, reads=5), *(replace(FAILED, name=f"f{at}") for at in range(2))]
    found = seen(*rows)["neo4j_index_state"]
    assert len(found) == 505
    assert found[*OTHER, "online"] == 5
    assert found[*OTHER, "failed"] == 0


def test_indexes_that_are_not_online_come_before_the_most_read() -> None:
    found = seen(*crowd(100, reads=10**9), FAILED)["neo4j_index_info"]
    assert ("neo4j", "big", "node", "range-1.0", None) in found


def test_the_others_sum_counts_what_is_read_from_now_on_and_never_falls() -> None:
    state: dict[str, Memory] = {}
    steps = [
        (crowd(102, reads=1000), 0),  # what was read before we came
        (crowd(102, reads=1010), 20),  # two of them are others
        (crowd(102, reads=1), 22),  # the server crashed and counts anew
        (crowd(103, reads=1), 23),  # one more, created and read since
        (crowd(101, reads=1), 23),  # two dropped
    ]
    sums = [
        seen(*rows, state=state)["neo4j_index_reads_total"][OTHER] for rows, _ in steps
    ]
    assert sums == [expected for _, expected in steps]


def test_who_leaves_the_top_is_counted_once_on_its_way() -> None:
    state: dict[str, Memory] = {}
    before = seen(*crowd(101, reads=10), state=state)["neo4j_index_reads_total"]
    (outside,) = {f"i{at}" for at in range(101)} - {str(key[1]) for key in before}
    rows = [
        replace(row, reads=1000 if row.name == outside else 12)
        for row in crowd(101, reads=10)
    ]
    after = seen(*rows, state=state)["neo4j_index_reads_total"]
    left = {str(key[1]) for key in before} - {str(key[1]) for key in after}
    assert len(left) == 1
    assert after["neo4j", outside, "User", "id", "range"] == 1000
    assert after[OTHER] == 990 + 2


def test_every_sample_is_of_a_declared_metric() -> None:
    reading = Reading({"neo4j": [BY_USER, FAILED]}, [("User", ("id",))])
    made = {sample.metric for sample in samples(reading, {})}
    assert made == {*neo4j_indexes.COLLECTOR.metrics}
