"""The collector `commandstats`: totals that never fall, whatever the server forgets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.redis_commandstats import Rows, samples, totals
from exporter.sources.redis_text import Command, number, parse_commands, parse_pairs
from tests.unit.redis_recorded import recorded
from tests.unit.sampled import values

if TYPE_CHECKING:
    from exporter.collectors._redis_totals import Totals

CALLS = "redis_commands_total"


def calls(rows: dict[str, float], state: Totals) -> dict[str, float]:
    """Feed calls that took no time, and return the calls shown."""
    given = {cmd: Command(int(count), 0, 0, 0) for cmd, count in rows.items()}
    shown = values(samples(Rows(given), state))[CALLS]
    return {str(labels[0]): value for labels, value in shown.items()}


def test_the_first_poll_shows_what_the_server_counted() -> None:
    rows = {"get": Command(21, 175, 1, 2)}
    found = values(samples(Rows(rows), totals()))
    assert found[CALLS] == {("get",): 21, ("other",): 0}
    assert found["redis_commands_duration_seconds_total"][("get",)] == 0.000175
    assert found["redis_commands_rejected_calls_total"][("get",)] == 1
    assert found["redis_commands_failed_calls_total"][("get",)] == 2


def test_a_reset_of_the_server_does_not_make_totals_fall() -> None:
    state = totals()
    shown = [
        calls({"get": count}, state)["get"] for count in (100, 130, 4, 10, 10, 2, 3)
    ]
    assert shown == [100, 130, 134, 140, 140, 142, 143]


def test_a_command_that_a_reset_took_from_the_list_keeps_its_total() -> None:
    state = totals()
    calls({"get": 10, "set": 5}, state)
    assert calls({"get": 1}, state) == {"get": 11, "set": 5, "other": 0}
    assert calls({"get": 1, "set": 2}, state) == {"get": 11, "set": 7, "other": 0}


def test_a_new_command_begins_at_zero_and_shows_its_calls_one_poll_later() -> None:
    state = totals()
    calls({"get": 1}, state)
    assert calls({"get": 1, "set": 7}, state)["set"] == 0
    assert calls({"get": 1, "set": 8}, state)["set"] == 8


def many(count: int) -> dict[str, float]:
    return {f"c{number}": 1000.0 for number in range(count)}


def test_what_is_beyond_the_hundred_is_summed_in_other() -> None:
    rows = many(100) | {"small": 1, "smaller": 2}
    shown = calls(rows, totals())
    assert len(shown) == 101
    assert shown["other"] == 3


def increase(series: list[dict[str, float]]) -> float:
    """Sum what `increase()` sees: differences of series that two polls have."""
    return sum(
        after[cmd] - before[cmd]
        for before, after in pairwise(series)
        for cmd in before.keys() & after.keys()
    )


def test_the_sum_stays_true_when_a_command_enters_and_another_leaves() -> None:
    state = totals()
    polls = [many(100) | {"late": 1.0}]
    polls += [many(100) | {"late": 10_000.0 * step} for step in (1, 2, 3)]
    polls += [many(100) | {"late": 30_001.0}] * 2
    shown = [calls(rows, state) for rows in polls]
    assert "late" not in shown[0]
    assert "late" in shown[1]
    assert increase(shown) == 30_000


def test_a_command_that_leaves_before_its_first_calls_were_shown_is_not_lost() -> None:
    state = totals()
    rows = many(100) | {"late": 1.0}
    polls = [rows]
    polls.append(polls[-1] | {"late": 2_000.0})
    polls.append(polls[-1] | {"c99": 200_000.0, "c98": 200_000.0, "rush": 90_000.0})
    polls.append(polls[-1] | {f"n{n}": 1_000_000.0 for n in range(100)})
    polls += [polls[-1]] * 2
    total = sum(polls[-1].values()) - sum(polls[0].values())
    assert increase([calls(rows, state) for rows in polls]) == total


@pytest.mark.parametrize(
    "name", ["redis-6.2", "redis-7.0", "valkey-9.1", "redis-7.0-replica"]
)
def test_a_recorded_server_shows_all_its_commands(name: str) -> None:
    lines = {c: t for c, t in recorded(name).items() if c.startswith("cmdstat_")}
    answer = "".join(f"{cmd}:{text}\r\n" for cmd, text in lines.items())
    rows = parse_commands(f"# Commandstats\r\n{answer}".encode())
    assert [f"cmdstat_{cmd}" for cmd in rows] == [*lines]
    for (calls, spent, rejected, failed), text in zip(
        rows.values(), lines.values(), strict=True
    ):
        told = {key: number(value) for key, value in parse_pairs(text).items()}
        assert (calls, spent) == (told["calls"], told["usec"])
        assert (rejected, failed) == (told["rejected_calls"], told["failed_calls"])
    found = values(samples(Rows(rows), totals()))
    expected = {"psync", "config|get"} & rows.keys()
    assert {name for (name,) in found[CALLS]} == {*rows, "other"}
    assert {(cmd,) for cmd in expected} <= found[CALLS].keys()


def test_a_version_before_6_2_has_no_rejected_and_no_failed_calls() -> None:
    answer = b"cmdstat_get:calls=21,usec=175,usec_per_call=8.33\r\ncmdstat_set:calls=1"
    found = values(samples(Rows(parse_commands(answer)), totals()))
    assert found.keys() == {CALLS, "redis_commands_duration_seconds_total"}


def test_an_upgrade_while_we_run_brings_the_new_counts() -> None:
    state = totals()
    list(samples(Rows({"get": Command(21, 175, None, None)}), state))
    found = values(samples(Rows({"get": Command(1, 5, 0, 1)}), state))
    assert found[CALLS][("get",)] == 22
    assert found["redis_commands_failed_calls_total"][("get",)] == 1
