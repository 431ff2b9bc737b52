"""The collector `acl`: refusals are added up, whatever the log forgets."""

from __future__ import annotations

from exporter.collectors.redis_acl import Denial, State, samples
from tests.unit.sampled import values

AUTH = "redis_acl_access_denied_auth_total"
COMMAND = "redis_acl_access_denied_cmd_total"


def counts(denials: list[Denial], state: State, name: str = AUTH) -> float:
    return values(samples(denials, state))[name][()]


def test_what_was_logged_before_us_is_not_counted_and_the_rest_is() -> None:
    state = State()
    before = Denial("auth", 1, 7)
    assert counts([before], state) == 0
    assert counts([Denial("auth", 1, 9)], state) == 2
    assert counts([Denial("auth", 1, 9), Denial("auth", 2, 1)], state) == 3
    assert counts([Denial("auth", 2, 1)], state) == 3


def test_a_group_that_begins_anew_after_a_minute_is_counted() -> None:
    state = State()
    counts([], state)
    assert counts([Denial("auth", 1, 5)], state) == 5
    assert counts([Denial("auth", 1, 2), Denial("auth", 1, 5)], state) == 7
    assert counts([Denial("auth", 1, 2)], state) == 7


def test_reasons_are_told_apart_and_all_are_there() -> None:
    state = State()
    counts([], state)
    found = values(samples([Denial("command", 1, 2)], state))
    assert found[COMMAND] == {(): 2}
    assert found[AUTH] == {(): 0}
    assert len(found) == 4


def test_a_server_that_counts_them_in_info_gives_nothing_here() -> None:
    assert values(samples(None, State())) == {}
