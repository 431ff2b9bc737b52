"""The collector `acl`: refusals are added up, whatever the log forgets."""

from __future__ import annotations

from exporter.collectors.redis_acl import Denial, Log, State, samples
from tests.unit.sampled import values

AUTH = "redis_acl_access_denied_auth_total"
COMMAND = "redis_acl_access_denied_cmd_total"


def counts(denials: list[Denial], state: State, name: str = AUTH) -> float:
    return values(samples(Log(denials), state))[name][()]


def test_what_was_logged_before_us_is_not_counted_and_the_rest_is() -> None:
    state = State()
    before, after = Denial("auth", 1, 7, 1000.0), Denial("auth", 1, 9, 1012.0)
    other = Denial("auth", 2, 1, 1030.0)
    assert counts([before], state) == 0
    assert counts([after], state) == 2
    assert counts([other, after], state) == 3
    assert counts([other], state) == 3


def test_a_group_that_begins_anew_after_a_minute_is_counted() -> None:
    state = State()
    counts([], state)
    first, second = Denial("auth", 1, 5, 1000.0), Denial("auth", 1, 2, 1100.0)
    assert counts([first], state) == 5
    assert counts([second, first], state) == 7
    assert counts([second], state) == 7
    assert counts([Denial("auth", 1, 8, 1200.0), second], state) == 15


def test_refusals_of_one_kind_are_counted_on_when_the_log_is_full_of_them() -> None:
    state = State()
    log = [Denial("command", 1, 1, 70.0 * number) for number in range(140, 0, -1)]
    found = [counts(log[at : at + 128], state, COMMAND) for at in (12, 12, 11, 9, 0)]
    assert found == [0, 0, 1, 3, 12]


def test_reasons_are_told_apart_and_all_are_there() -> None:
    state = State()
    counts([], state)
    found = values(samples(Log([Denial("command", 1, 2, 1000.0)]), state))
    assert found[COMMAND] == {(): 2}
    assert found[AUTH] == {(): 0}
    assert len(found) == 4


def test_a_server_that_counts_them_in_info_gives_nothing_here() -> None:
    assert values(samples(None, State())) == {}
