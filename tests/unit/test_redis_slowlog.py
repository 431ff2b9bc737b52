"""The collector `slowlog`: what its entries become."""

from __future__ import annotations

from exporter.collectors.redis_slowlog import Entry, Rows, State, _name, samples

SLOW = "redis_slow_command_duration_seconds"


def counts(rows: Rows, state: State) -> dict[str | None, float | None]:
    """Return the number of slow calls by command."""
    return {
        labels[0]: value
        for metric, value, labels, suffix in samples(rows, state)
        if metric.name == SLOW and suffix == "_count"
    }


def test_entries_are_counted_per_command() -> None:
    state = State()
    new = (Entry("keys", 12_000), Entry("keys", 40_000), Entry("config|get", 11_000))
    assert counts(Rows(3, 2, 11_000, new), state) == {
        "keys": 2,
        "config|get": 1,
        "other": 0,
    }
    assert counts(Rows(3, 2, 11_000), state)["keys"] == 2


def test_the_duration_is_in_seconds_and_in_its_bucket() -> None:
    found = list(samples(Rows(1, 0, 12_000, (Entry("keys", 12_000),)), State()))
    values = {
        (metric.name, labels, suffix): value for metric, value, labels, suffix in found
    }
    assert values[SLOW, ("keys", "0.01"), "_bucket"] == 0
    assert values[SLOW, ("keys", "0.025"), "_bucket"] == 1
    assert values[SLOW, ("keys",), "_sum"] == 0.012
    assert values["redis_last_slow_execution_duration_seconds", (), ""] == 0.012


def test_an_empty_log_has_a_length_and_no_latest_entry() -> None:
    found = [(m.name, value) for m, value, *_ in samples(Rows(0, None, None), State())]
    assert ("redis_slowlog_length", 0) in found
    assert ("redis_slowlog_last_id", None) in found


def test_what_was_not_read_is_counted() -> None:
    state = State()
    list(samples(Rows(128, 500, 1, (), 7), state))
    found = list(samples(Rows(128, 501, 1, (), 2), state))
    assert [v for m, v, *_ in found if m.name.endswith("missed_total")] == [9]


def test_more_commands_than_fifty_are_other() -> None:
    new = tuple(Entry(f"c{number}", 1) for number in range(60))
    found = counts(Rows(60, 59, 1, new), State())
    assert len(found) == 51
    assert found["other"] == 10


def test_no_argument_becomes_a_name() -> None:
    names = {name: name for name in ("get", "config|get", "evalsha")}
    assert _name([b"GET", b"user:4711"], names) == "get"
    assert _name([b"CONFIG", b"GET", b"requirepass"], names) == "config|get"
    assert _name([b"secret-name-of-flushall"], names) == "other"
    assert _name([b"\xff"], names) == "other"
    assert _name([b"EvalSha"], names) == "evalsha"


def test_a_modules_command_has_the_name_that_commandstats_gives_it() -> None:
    names = {"ft.search": "FT.SEARCH"}
    assert _name([b"ft.search", b"products"], names) == "FT.SEARCH"
    assert _name([b"FT.SEARCH", b"products"], names) == "FT.SEARCH"
