"""The collector `latency`: one ladder for every command, and totals that never fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.redis_latency import Rows, State, samples

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = "redis_command_duration_seconds"
Shown = dict[tuple[str, str | None, str | None], float | None]


def shown(
    steps: Mapping[str, Mapping[int, int]],
    state: State,
    microseconds: Mapping[str, float] | None = None,
) -> Shown:
    """Return the command histograms by suffix, command and `le`."""
    rows = Rows(steps, microseconds or dict.fromkeys(steps, 0.0), 0.0002)
    return {
        (suffix, labels[0], labels[1] if len(labels) > 1 else None): value
        for metric, value, labels, suffix in samples(rows, state)
        if metric.name == COMMAND
    }


def test_sparse_cumulative_answers_become_one_dense_ladder() -> None:
    found = shown({"get": {8: 20, 16: 21}}, State(), {"get": 175.0})
    bounds = [le for suffix, cmd, le in found if (suffix, cmd) == ("_bucket", "get")]
    assert len(bounds) == 21
    assert bounds == [le for s, cmd, le in found if (s, cmd) == ("_bucket", "other")]
    assert found["_bucket", "get", "4e-06"] == 0
    assert found["_bucket", "get", "8e-06"] == 20
    assert found["_bucket", "get", "1.6e-05"] == 21
    assert found["_bucket", "get", "0.541065"] == 21
    assert found["_bucket", "get", "+Inf"] == 21
    assert found["_sum", "get", None] == 0.000175
    assert found["_count", "get", None] == 21


def test_what_took_a_second_or_longer_is_above_every_bound() -> None:
    found = shown({"evalsha": {541065: 1, 1073741: 3}}, State())
    assert found["_bucket", "evalsha", "0.541065"] == 1
    assert found["_bucket", "evalsha", "+Inf"] == 3


def test_a_reset_of_the_server_makes_nothing_fall() -> None:
    state = State()
    counts = [{8: 5}, {8: 9, 16: 10}, {16: 1}, {}, {8: 2}]
    found = [
        shown({"get": steps, "set": {1: 1}}, state)["_count", "get", None]
        for steps in counts
    ]
    assert found == [5, 10, 11, 11, 13]


def test_a_reset_after_which_a_command_is_called_as_often_is_not_overlooked() -> None:
    state = State()
    list(samples(Rows({"get": {8: 1}}, {"get": 5.0}, 0.0002), state))
    rows = Rows({"get": {8: 1}}, {"get": 5.0}, 0.0002, reset=True)
    found = {
        (m.name, s): v for m, v, labels, s in samples(rows, state) if "get" in labels
    }
    assert found[COMMAND, "_count"] == 2


def test_a_reset_between_the_two_answers_does_not_count_calls_twice() -> None:
    state = State()
    shown({"get": {8: 1000}}, state, {"get": 5000.0})
    found = shown({"get": {8: 1000}}, state, {"get": 10.0})
    assert found["_count", "get", None] == 1000
    assert found["_sum", "get", None] == 0.00501


def test_commands_beyond_the_top_are_in_other_and_the_sum_is_whole() -> None:
    steps = {f"c{number}": {8: 1000 + number} for number in range(30)}
    found = shown(steps, State())
    named = {cmd for _, cmd, _ in found}
    assert len(named) == 21
    counts = [v for (s, _, _), v in found.items() if s == "_count" and v is not None]
    assert sum(counts) == sum(1000 + number for number in range(30))


def test_before_redis_7_there_is_only_the_canary() -> None:
    found = list(samples(Rows({}, {}, 0.003), State()))
    assert {metric.name for metric, *_ in found} == {"redis_canary_duration_seconds"}
    buckets = {labels[-1]: value for _, value, labels, s in found if s == "_bucket"}
    assert (buckets["0.0025"], buckets["0.005"]) == (0, 1)
