"""The collector `transactions` on rows as servers give them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import neo4j_transactions
from exporter.collectors._neo4j_clients import Client
from exporter.collectors._neo4j_transaction import Transaction
from exporter.collectors.neo4j_transactions import Memory, Reading, evidence, samples
from tests.unit.sampled import values

OURS = Transaction(
    database="neo4j",
    id="neo4j-transaction-400",
    query="query-900",
    connection="bolt-1",
    ours=True,
    status="Running",
    age=0.01,
    waited=0.0,
    memory=2097152,
    hits=0,
    faults=0,
)
HOLDER = replace(
    OURS,
    id="neo4j-transaction-386",
    query="",
    connection="bolt-7",
    ours=False,
    age=81.5,
    hits=40,
    faults=3,
)
WAITER = replace(
    HOLDER,
    id="neo4j-transaction-390",
    query="query-850",
    connection="bolt-8",
    status="Blocked by: [neo4j-transaction-386]",
    age=12.0,
    waited=11.5,
)
CLIENTS = [
    Client("bolt-7", "bolt", "migration/2.0.1"),
    Client("bolt-8", "bolt", "neo4j-java/5.20.0"),
]


def reading(*rows: Transaction, begun: int = 10, queries: int = 20) -> Reading:
    return Reading(("neo4j",), [OURS, *rows], CLIENTS, {"neo4j": begun}, queries)


def seen(
    read: Reading, state: Memory | None = None
) -> dict[str, dict[tuple[str | None, ...], float]]:
    return values(samples(read, state or Memory()))


def test_a_quiet_server_says_so_with_zeros_and_without_us() -> None:
    found = seen(reading())
    assert set(found["neo4j_transactions"].values()) == {0}
    assert "neo4j_transactions_longest_seconds" not in found
    assert found["neo4j_transactions_longest_wait_seconds"] == {("neo4j",): 0}
    assert found["neo4j_transactions_memory_bytes"] == {("neo4j", "other"): 0}
    assert found["neo4j_transaction_age_seconds_count"] == {("neo4j",): 0}


def test_who_waits_and_who_is_waited_for_are_named() -> None:
    found = seen(reading(HOLDER, WAITER))
    busy = {key[1]: v for key, v in found["neo4j_transactions"].items() if v}
    assert busy == {"idle": 1, "blocked": 1}
    assert found["neo4j_transactions_longest_seconds"] == {
        ("neo4j", "idle", "migration/2"): 81.5,
        ("neo4j", "blocked", "neo4j-java/5"): 12.0,
    }
    assert found["neo4j_transactions_blocking"] == {("neo4j", "migration/2"): 1}
    assert found["neo4j_transactions_longest_wait_seconds"] == {("neo4j",): 11.5}
    assert found["neo4j_transactions_page_faults"] == {("neo4j",): 6}


@pytest.mark.parametrize(
    ("status", "query", "state"),
    [
        ("Running", "query-1", "running"),
        ("Running", "", "idle"),
        ("Running", None, "idle"),
        ("Blocked by: [neo4j-transaction-1]", "query-1", "blocked"),
        ("Closing", "query-1", "closing"),
        ("Terminated with reason: Timeout", "query-1", "terminated"),
        ("Meditating", "query-1", "other"),
        (None, None, "other"),
    ],
)
def test_one_state_holds_out_of_a_closed_set(
    status: str | None, query: str | None, state: str
) -> None:
    found = seen(reading(replace(HOLDER, status=status, query=query)))
    counts = found["neo4j_transactions"]
    assert {key[1]: v for key, v in counts.items() if v} == {state: 1}
    assert len(counts) == 6


def test_ages_are_added_up_over_polls() -> None:
    state = Memory()
    seen(reading(HOLDER), state)
    found = seen(reading(HOLDER, WAITER), state)
    assert found["neo4j_transaction_age_seconds_count"] == {("neo4j",): 3}
    assert found["neo4j_transaction_age_seconds_sum"] == {("neo4j",): 175.0}
    assert found["neo4j_transaction_age_seconds_bucket"]["neo4j", "30.0"] == 1


def test_the_work_of_others_is_counted_from_the_ids_less_ours() -> None:
    state = Memory()
    first = seen(reading(), state)
    later = replace(OURS, id="neo4j-transaction-450", query="query-1000")
    after = Reading(("neo4j",), [later], [], {"neo4j": 15}, 30)
    second = seen(after, state)
    assert first["neo4j_transactions_begun_total"] == {("neo4j",): 0}
    assert second["neo4j_transactions_begun_total"] == {("neo4j",): 45}
    assert second["neo4j_queries_total"] == {(): 90}


def test_ids_of_another_kind_give_no_throughput() -> None:
    strange = replace(OURS, id="tx:0f3a", query="0f3a")
    found = seen(Reading(("neo4j",), [strange], [], {}, 0))
    assert set(found).isdisjoint(
        {"neo4j_transactions_begun_total", "neo4j_queries_total"}
    )


def test_memory_is_that_of_each_client_and_of_the_others() -> None:
    rows = [replace(HOLDER, memory=2**22), replace(WAITER, memory=None)]
    found = seen(reading(*rows))["neo4j_transactions_memory_bytes"]
    assert sorted(found.values()) == [0, 2**22]
    assert found["neo4j", "other"] == 0


def test_what_a_version_does_not_tell_is_absent() -> None:
    bare = Transaction("neo4j", "neo4j-transaction-1", ours=False, status="Running")
    found = seen(reading(bare))
    assert "neo4j_transactions_memory_bytes" not in found
    assert "neo4j_transactions_page_hits" not in found
    assert found["neo4j_transactions"]["neo4j", "idle"] == 1


def test_rare_agents_are_other() -> None:
    crowd = [
        replace(HOLDER, id=f"neo4j-transaction-{at}", connection=f"bolt-{at}")
        for at in range(30)
    ]
    clients = [Client(f"bolt-{at}", "bolt", f"app{'x' * at}/1") for at in range(30)]
    found = seen(Reading(("neo4j",), crowd, clients, {}, 0))
    names = {key[2] for key in found["neo4j_transactions_longest_seconds"]}
    assert len(names) == 21
    assert "other" in names


def test_a_database_that_is_not_configured_is_shown_while_it_works() -> None:
    row = replace(HOLDER, database="system", id="system-transaction-9")
    found = seen(reading(row))
    assert found["neo4j_transactions"]["system", "idle"] == 1
    assert found["neo4j_transactions_begun_total"] == {("neo4j",): 0}


def test_evidence_shows_who_waits_below_whom_and_statements_without_literals() -> None:
    text = "MATCH (n:Locked {name: 'secret'}) SET n.x = 42"
    last = replace(
        WAITER,
        id="neo4j-transaction-391",
        status="Blocked by: [neo4j-transaction-390]",
        age=2.0,
    )
    quick = replace(WAITER, id="neo4j-transaction-399", age=0.5)
    rows = (last, quick, replace(WAITER, text=text), HOLDER)
    (table,) = evidence(reading(*rows))
    assert [row[0] for row in table.rows] == [
        f"neo4j-transaction-{number}" for number in (386, 390, 391)
    ]
    assert table.depths == (0, 1, 2)
    assert table.rows[1][1:] == (
        *("neo4j-java/5.20.0", "neo4j", "blocked", 12.0, 11.5),
        "MATCH (n:Locked {name: ?}) SET n.x = ?",
    )


def test_two_that_wait_for_each_other_are_shown_once_or_not_at_all() -> None:
    one = replace(
        WAITER, id="neo4j-transaction-1", status="Blocked by: [neo4j-transaction-2]"
    )
    two = replace(
        WAITER, id="neo4j-transaction-2", status="Blocked by: [neo4j-transaction-1]"
    )
    (table,) = evidence(reading(one, two, HOLDER))
    ids = [row[0] for row in table.rows]
    assert len(ids) == len(set(ids))
    assert "neo4j-transaction-386" in ids


def test_every_sample_is_of_a_declared_metric() -> None:
    made = {sample.metric for sample in samples(reading(HOLDER, WAITER), Memory())}
    assert made == {*neo4j_transactions.COLLECTOR.metrics}
