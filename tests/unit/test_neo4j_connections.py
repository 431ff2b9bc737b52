"""The collectors `connections`, `canary` and `settings` on fixed rows."""

from __future__ import annotations

import pytest

from exporter.collectors import neo4j_canary, neo4j_connections, neo4j_settings
from exporter.collectors._neo4j_clients import Client
from exporter.collectors.neo4j_connections import Memory, Reading, samples
from exporter.collectors.neo4j_settings import Setting
from tests.unit.sampled import values


def ours(number: int) -> Client:
    return Client(f"bolt-{number}", "bolt", "kpi-exporter/0.1.0")


def app(number: int, agent: str = "app/1.2", connector: str = "bolt") -> Client:
    return Client(f"{connector}-{number}", connector, agent)


def seen(
    *rows: Client, opened: int = 1, state: Memory | None = None
) -> dict[str, dict[tuple[str | None, ...], float]]:
    return values(samples(Reading([*rows], opened), state or Memory()))


def test_connections_are_counted_by_connector_and_agent_without_ours() -> None:
    found = seen(ours(3), app(4), app(5), app(6, "neo4j-browser/v5.2", "http"))
    assert found["neo4j_connections"] == {
        ("bolt", "app/1"): 2,
        ("http", "neo4j-browser/5"): 1,
    }


def test_an_unknown_connector_is_other() -> None:
    found = seen(ours(3), app(4, connector="quic"))
    assert found["neo4j_connections"] == {("other", "app/1"): 1}


def test_rare_agents_are_other() -> None:
    found = seen(ours(0), *(app(at + 1, f"a{'x' * at}") for at in range(30)))
    assert len(found["neo4j_connections"]) == 21
    assert found["neo4j_connections"]["bolt", "other"] == 10


def test_accepted_connections_are_counted_on_and_never_back() -> None:
    state = Memory()
    steps = [
        ([ours(3), app(9)], 1, 0),
        ([ours(3), app(12)], 1, 3),
        ([ours(3)], 1, 3),  # the last ones have gone
        ([ours(20)], 2, 10),  # ours was lost and is one of the eleven new ones
        ([ours(2), app(4)], 3, 13),  # a new start of the server: 4, and ours is one
    ]
    totals = [
        seen(*rows, opened=opened, state=state)["neo4j_connections_accepted_total"][()]
        for rows, opened, _ in steps
    ]
    assert totals == [total for _, _, total in steps]


def test_ids_of_another_kind_give_no_count() -> None:
    strange = Client("c0ffee", "bolt", "kpi-exporter/0.1.0")
    assert "neo4j_connections_accepted_total" not in seen(strange, app(1))


def test_every_sample_of_connections_is_of_a_declared_metric() -> None:
    made = {s.metric for s in samples(Reading([ours(1), app(2)], 1), Memory())}
    assert made == {*neo4j_connections.COLLECTOR.metrics}


def test_round_trips_are_added_up() -> None:
    state = neo4j_canary.COLLECTOR.state()
    list(neo4j_canary.samples(0.0015, state))
    found = values(neo4j_canary.samples(0.2, state))
    assert found["neo4j_canary_duration_seconds_count"] == {(): 2}
    assert found["neo4j_canary_duration_seconds_bucket"]["0.002",] == 1
    assert found["neo4j_canary_duration_seconds_bucket"]["0.2",] == 2


@pytest.mark.parametrize(
    ("name", "text", "metric", "value"),
    [
        ("server.bolt.thread_pool_max_size", "400", "neo4j_bolt_threads_max", 400),
        (
            "dbms.connector.bolt.thread_pool_max_size",
            "400",
            "neo4j_bolt_threads_max",
            400,
        ),
        (
            "server.memory.pagecache.size",
            "64.00MiB",
            "neo4j_page_cache_size_bytes",
            2**26,
        ),
        (
            "dbms.memory.transaction.total.max",
            "1.50GiB",
            "neo4j_transactions_memory_max_bytes",
            1.5 * 2**30,
        ),
        (
            "db.transaction.timeout",
            "1m30s",
            "neo4j_transactions_timeout_seconds",
            90,
        ),
    ],
)
def test_a_setting_is_a_number_in_base_units(
    name: str, text: str, metric: str, value: float
) -> None:
    found = values(neo4j_settings.samples([Setting(name, text)], None))
    assert found == {metric: {(): value}}


@pytest.mark.parametrize("text", ["0s", "0B", "No Value", "", None, "12parsecs", "s5"])
def test_a_limit_that_is_off_or_cannot_be_read_is_absent(text: str | None) -> None:
    setting = Setting("db.transaction.timeout", text)
    assert values(neo4j_settings.samples([setting], None)) == {}
