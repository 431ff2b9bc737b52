"""A target's rounds: what failed, and what is said about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collector import Cost
from exporter.errors import Reason, SourceError
from exporter.evidence import Evidence
from tests.unit.scripted import VALUE, Subject, World

REFUSED = SourceError(Reason.CONNECT, "connection refused")
DENIED = SourceError(Reason.PERMISSION, "denied", answered=True, fix="GRANT x")


def test_everything_about_ourselves_is_there_before_the_first_poll() -> None:
    page = World(Subject("a", 1.0).collector()).page()

    assert 'pg_up{target="orders"} 0' in page
    assert 'kpi_exporter_target_info{target="orders",source="postgres"} 1' in page
    assert 'kpi_exporter_collector_success{target="orders",collector="a"} 0' in page
    assert 'kpi_exporter_collector_polls_total{target="orders",collector="a"} 0' in page
    for reason in Reason:
        labels = f'target="orders",collector="a",reason="{reason}"'
        assert f"kpi_exporter_collector_failures_total{{{labels}}} 0" in page


def test_a_limit_of_series_cuts_nothing_that_we_say_about_ourselves() -> None:
    names = "abc"
    page = World(*(Subject(n, 1.0).collector() for n in names), series_limit=1).page()

    assert 'pg_up{target="orders"} 0' in page
    for name in names:
        labels = f'target="orders",collector="{name}"'
        assert f"kpi_exporter_collector_success{{{labels}}} 0" in page
        assert f"kpi_exporter_series_dropped_total{{{labels}}} 0" in page
        failures = page.count(f"kpi_exporter_collector_failures_total{{{labels},")
        assert failures == len(Reason)


async def test_a_good_round_says_up_and_success_and_when() -> None:
    page = await World(Subject("a", 5.0).collector()).round()

    assert 'pg_up{target="orders"} 1' in page
    assert 'pg_value{target="orders",collector="a"} 5.0' in page
    assert 'collector_success{target="orders",collector="a"} 1' in page
    assert (
        "kpi_exporter_collector_last_success_timestamp_seconds"
        '{target="orders",collector="a"} 1700001015.0'
    ) in page


async def test_a_failing_collector_hides_no_other_and_keeps_the_target_up() -> None:
    world = World(Subject("a", DENIED).collector(), Subject("b", 2.0).collector())

    page = await world.round()

    assert 'pg_up{target="orders"} 1' in page
    assert 'collector_success{target="orders",collector="a"} 0' in page
    assert 'pg_value{target="orders",collector="b"} 2.0' in page
    assert 'collector="a",reason="permission"} 1' in page
    assert world.source.connects == 1


async def test_series_that_are_left_out_are_counted_at_every_round() -> None:
    twice = replace(
        Subject("a", 1.0).collector(),
        samples=lambda value, _: (VALUE(value, "a"), VALUE(value, "a")),
    )
    world = World(twice)
    counted = 'kpi_exporter_series_dropped_total{target="orders",collector="a"}'

    for rounds in range(3):
        assert f"{counted} {rounds}\n" in world.page()
        await world.round()


async def test_a_failed_collectors_old_values_are_not_served() -> None:
    world = World(Subject("a", 5.0, DENIED).collector())

    assert "pg_value{" in await world.round()
    assert "pg_value{" not in await world.round()


async def test_good_and_failed_polls_are_counted_alike() -> None:
    world = World(Subject("a", 5.0, DENIED).collector())

    await world.round()
    await world.round()
    world.source.discard()
    world.source.unreachable = REFUSED
    page = await world.round()

    assert 'kpi_exporter_collector_polls_total{target="orders",collector="a"} 3' in page


async def test_a_part_that_fails_is_logged_at_first_then_summed_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    world = World(Subject("a", 5.0).collector())

    for error in (DENIED, DENIED, None, DENIED):
        world.source.parts["own query jobs"] = error
        await world.round()
        await world.round()

    part = {"target": "orders", "part": "own query jobs"}
    first = {"reason": "permission", "error": "denied", "fix": "GRANT x"}
    said = [(r.message, {**vars(r)["fields"]}) for r in caplog.records]
    assert [(event, fields.pop("for_seconds", "")) for event, fields in said] == [
        ("poll failed", ""),
        ("poll works again", "60"),
        ("poll failed", ""),
    ]
    assert [fields for _, fields in said] == [
        part | first,
        part | {"failures": "2"},
        part | first,
    ]


async def test_another_server_in_the_old_ones_place_is_read_anew() -> None:
    rare = Subject("rare", 1.0, 2.0)
    world = World(Subject("a", 5.0).collector(), rare.collector(interval=3600.0))
    world.source.server = "one"
    assert 'collector="rare"} 1.0' in await world.round()

    world.source.discard()
    assert 'collector="rare"} 1.0' in await world.round()
    world.source.discard()
    world.source.server = "two"
    assert 'collector="rare"} 2.0' in await world.round()
    await world.round()
    assert rare.runs == 2


async def test_what_another_server_said_goes_at_once() -> None:
    rare = Subject("rare", 1.0, DENIED)
    world = World(rare.collector(interval=3600.0))
    world.source.server = "one"
    await world.round()

    world.source.discard()
    world.source.server = "two"
    assert "pg_value{" not in await world.round()


@pytest.mark.parametrize("unknown", [None, DENIED])
async def test_a_server_that_does_not_say_which_it_is_is_taken_for_the_same(
    unknown: SourceError | None,
) -> None:
    rare = Subject("rare", 1.0)
    world = World(rare.collector(interval=3600.0))
    for server in ("one", unknown, "one"):
        world.source.discard()
        world.source.server = server
        assert 'pg_up{target="orders"} 1' in await world.round()

    assert rare.runs == 1


async def test_a_bug_in_a_collector_is_an_internal_failure_of_it_alone() -> None:
    world = World(
        Subject("a", ZeroDivisionError("oops")).collector(),
        Subject("b", 2.0).collector(),
    )

    page = await world.round()

    assert 'collector="a",reason="internal"} 1' in page
    assert 'pg_value{target="orders",collector="b"} 2.0' in page


async def test_a_dead_target_says_nothing_but_up_0_and_its_reason() -> None:
    long = Subject("long", 3.0)
    world = World(
        Subject("a", 1.0).collector(), long.collector(interval=300.0, cost=Cost.COSTLY)
    )
    assert 'pg_value{target="orders",collector="long"} 3.0' in await world.round()

    world.source.discard()
    world.source.unreachable = REFUSED
    page = await world.round()

    assert 'pg_up{target="orders"} 0' in page
    assert "pg_value{" not in page
    assert 'collector_success{target="orders",collector="long"} 0' in page
    assert 'collector="a",reason="connect"} 1' in page


async def test_a_target_that_is_back_is_read_whole_at_once() -> None:
    long = Subject("long", 3.0)
    world = World(Subject("a", 1.0).collector(), long.collector(interval=300.0))
    await world.round()
    world.source.discard()
    world.source.unreachable = REFUSED
    await world.round()

    world.source.unreachable = None
    page = await world.round()

    assert 'pg_up{target="orders"} 1' in page
    assert 'pg_value{target="orders",collector="long"} 3.0' in page
    assert long.runs == 2


async def test_a_connection_that_died_unseen_costs_no_data() -> None:
    """The server was restarted between two rounds."""
    world = World(Subject("a", SourceError(Reason.CONNECT, "lost"), 4.0).collector())

    page = await world.round()

    assert 'pg_value{target="orders",collector="a"} 4.0' in page
    assert world.source.connects == 2


async def test_a_frozen_server_ends_the_round_by_its_deadlines() -> None:
    world = World(
        Subject("a", 1.0).collector(), Subject("b", 1.0).collector(), timeout="100ms"
    )
    await world.round()

    world.source.frozen = True
    page = await world.round()

    assert 'pg_up{target="orders"} 0' in page
    assert 'collector="a",reason="timeout"} 1' in page
    assert 'collector="b",reason="timeout"} 1' in page
    assert world.source.connections == 0


async def test_closing_takes_the_target_out_of_the_snapshot() -> None:
    world = World(Subject("a", 1.0).collector())
    await world.round()

    await world.poller.close()

    assert world.source.connections == 0
    assert world.snapshot.page().plain == b""


async def test_evidence_is_kept_beside_the_values_and_is_past_after_a_failure() -> None:
    found = Evidence(("pg_lock_wait",), "Who waits", ("pid",), ((7,),))
    collector = Subject("a", 5.0, DENIED).collector()
    world = World(replace(collector, evidence=lambda _: [found]))
    await world.round()
    (kept,) = world.snapshot.evidence.of("orders", world.time.wall())
    assert (kept.evidence, kept.current) == (found, True)
    await world.round()
    (kept,) = world.snapshot.evidence.of("orders", world.time.wall())
    assert (kept.evidence, kept.current) == (found, False)
