"""The account of statements: nothing is lost or counted twice, whatever happens."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors._postgres_ledger import Ledger, Origin, Poll
from tests.unit.ledger_polls import (
    JOBS,
    MAIL,
    MONITOR,
    SHOP,
    START,
    WEB,
    after,
    calls,
    calls_by_key,
    poll,
    rest,
    row,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_the_first_poll_chooses_by_the_past_and_begins_at_0() -> None:
    ledger = after(poll([row(1, 5, 0.1), row(2, 9, 7.0), row(3, 100, 0.1)]))
    assert calls(ledger) == {2: 0, 3: 0}
    assert rest(ledger) == {"shop": 0}


def test_members_and_the_rest_grow_by_what_was_added() -> None:
    first = poll([row(1, 5), row(2, 50), row(3, 60)])
    ledger = after(first, poll([row(1, 6), row(2, 52), row(3, 63)]))
    assert calls(ledger) == {2: 2, 3: 3}
    assert rest(ledger) == {"shop": 1}


def test_rows_that_differ_only_in_toplevel_are_summed() -> None:
    first = poll([row(1, 5), row(1, 7, toplevel=False)])
    ledger = after(first, poll([row(1, 6), row(1, 9, toplevel=False)]))
    assert calls(ledger) == {1: 3}


def test_a_newcomer_begins_at_0_and_its_first_calls_are_in_the_rest() -> None:
    ledger = after(poll([row(1, 5)]), poll([row(1, 5), row(2, 8)]))
    assert calls(ledger) == {1: 0, 2: 0}
    assert rest(ledger) == {"shop": 8}
    ledger.update(poll([row(1, 5), row(2, 9)]))
    assert calls(ledger) == {1: 0, 2: 1}


def test_a_leavers_last_calls_are_in_the_rest() -> None:
    ledger = after(poll([row(1, 5), row(2, 5)], size=1))
    (member,) = calls(ledger)
    other = 3 - (member or 0)
    ledger.update(poll([row(member, 5), row(other, 6)], size=1))
    ledger.update(poll([row(member, 6), row(other, 1006)], size=1))
    assert calls(ledger) == {other: 0}
    assert rest(ledger) == {"shop": 1002}


def test_a_statement_that_was_evicted_and_came_back_counts_from_0() -> None:
    ledger = after(poll([row(1, 50, 9.0)]), poll([]), poll([row(1, 3, 0.5)]))
    assert ledger.of == {(WEB, SHOP, 1): [3, 0.5]}
    ledger.update(poll([row(1, 2, 0.25)]))
    assert ledger.of == {(WEB, SHOP, 1): [5, 0.75]}


def test_one_that_came_back_between_two_polls_with_as_many_calls_is_seen() -> None:
    ledger = after(poll([row(1, 3, 9.0)]), poll([row(1, 3, 10.0)]))
    assert ledger.of == {(WEB, SHOP, 1): [3, 10.0]}


def test_after_a_reset_everything_counts_from_0_even_what_is_higher() -> None:
    reset = Origin(START.started, 2000.0)
    ledger = after(poll([row(1, 5)]), poll([row(1, 8)], origin=reset))
    assert calls(ledger) == {1: 8}


def test_after_a_restart_what_is_there_is_the_new_beginning() -> None:
    restarted = Origin(3000.0, START.reset)
    ledger = after(
        poll([row(1, 5)]),
        poll([row(1, 7)]),
        poll([row(1, 900), row(2, 800)], origin=restarted),
        poll([row(1, 901), row(2, 800)], origin=restarted),
    )
    assert calls(ledger) == {1: 3}
    assert rest(ledger) == {"shop": 0}


def test_a_databases_first_calls_are_shown_one_poll_after_its_0() -> None:
    ledger = after(poll([]), poll([row(1, 5, database=MAIL)], size=0))
    assert rest(ledger) == {"mail": 0}
    ledger.update(poll([row(1, 7, database=MAIL)], size=0))
    assert rest(ledger) == {"mail": 7}


def test_hidden_statements_are_summed_into_the_rest() -> None:
    first = poll([row(None, 5), row(None, 7), row(None, 1, user=JOBS)])
    ledger = after(first, poll([row(None, 6), row(None, 9), row(None, 2, user=JOBS)]))
    assert calls(ledger) == {}
    assert rest(ledger) == {"shop": 4}


def test_a_hidden_statement_that_is_evicted_takes_nothing_and_adds_nothing() -> None:
    ledger = after(poll([row(None, 5), row(None, 7)]), poll([row(None, 8)]))
    assert rest(ledger) == {"shop": 0}
    ledger.update(poll([row(None, 9)]))
    assert rest(ledger) == {"shop": 1}


def test_statements_that_stop_being_hidden_bring_no_past() -> None:
    ledger = after(
        poll([row(None, 500), row(None, 700)]),
        poll([row(1, 501), row(2, 700)]),
        poll([row(1, 503), row(2, 700)]),
    )
    assert sum(calls(ledger).values()) + sum(rest(ledger).values()) == 2


def test_what_is_left_out_counts_nowhere() -> None:
    left_out = {(MONITOR, 1), (JOBS, None)}
    rows = [row(1, 5, user=MONITOR), row(2, 5, user=JOBS), row(3, 5, database=99)]
    more = [row(1, 9, user=MONITOR), row(2, 9, user=JOBS), row(3, 9, database=99)]
    ledger = after(poll(rows, left_out=left_out), poll(more, left_out=left_out))
    assert (calls(ledger), rest(ledger)) == ({}, {})


def test_statements_of_users_without_a_name_are_the_rest() -> None:
    rows = [row(1, 5), row(1, 5, user=JOBS)]
    more = [row(1, 6), row(1, 8, user=JOBS)]
    ledger = after(poll(rows, users=set()), poll(more, users=set()))
    assert (calls(ledger), rest(ledger)) == ({}, {"shop": 4})


def test_what_is_held_counts_in_full_later() -> None:
    held = {(WEB, 1), (WEB, 2)}
    ledger = after(
        poll([row(1, 5)], held=held),
        poll([row(1, 6), row(2, 4)], held=held),
        poll([row(1, 8), row(2, 5)], held=held),
    )
    assert (calls(ledger), rest(ledger)) == ({}, {"shop": 0})
    ledger.update(poll([row(1, 9), row(2, 6)]))
    assert rest(ledger) == {"shop": 4 + 6}


def test_beyond_a_hundred_databases_the_rest_is_shared() -> None:
    names = {number: f"db{number}" for number in range(120)}
    rows = [row(1, 1, database=number) for number in names]
    more = [row(1, 3, database=number) for number in names]
    first = poll(rows, size=0, databases=names)
    ledger = after(first, poll(more, size=0, databases=names))
    assert len(ledger.other) == 101
    assert ledger.other["other"] == [40, 5.0]


def test_an_active_statement_displaces_one_that_only_has_a_past() -> None:
    ledger = after(poll([row(1, 9, 99.0), row(2, 1, 0.1)], size=1))
    for number in range(2, 200):
        rows = [row(1, 9, 99.0), row(2, number, number / 10)]
        ledger.update(poll(rows, size=1))
    assert calls(ledger).keys() == {2}


def test_a_statement_that_takes_all_the_time_displaces_one_of_many_at_once() -> None:
    usual = dict.fromkeys(range(10), 100)
    ledger = after(poll([row(q, n) for q, n in usual.items()], size=10))
    for number in range(1, 6):
        rows = [row(q, n + 10 * number) for q, n in usual.items()]
        if number > 1:
            rows.append(row(99, 800 * number))
        ledger.update(poll(rows, size=10))
    assert 99 in calls(ledger)


def test_nearly_equal_statements_do_not_displace_each_other() -> None:
    ledger = after(poll([row(1, 10), row(2, 9)], size=1))
    totals = {1: 10, 2: 9}
    for number in range(50):
        totals[1] += 10 + number % 3
        totals[2] += 12 - number % 3
        ledger.update(poll([row(q, n) for q, n in totals.items()], size=1))
        assert calls(ledger).keys() == {1}


def test_what_was_heavy_long_ago_gives_way_to_what_is_busy_now() -> None:
    ledger = after(poll([row(1, 0), row(2, 0)], size=1))
    for number in range(1, 31):
        ledger.update(poll([row(1, 100 * number), row(2, 0)], size=1))
    assert calls(ledger) == {1: 3000}
    for number in range(1, 401):
        ledger.update(poll([row(1, 3000), row(2, 20 * number)], size=1))
    assert calls(ledger).keys() == {2}


def test_scores_forget_the_least_of_too_many() -> None:
    ledger = after(poll([]))
    most: Mapping[int, int] = {1: 10**6}
    for number in range(11):
        rows = [row(number * 2000 + q, most.get(q, 5)) for q in range(1, 2001)]
        ledger.update(poll(rows, size=5))
    assert len(ledger._scores._of) <= 20_000


class World:
    """A server whose statements run at random, are evicted and reset; it counts all.

    One that is evicted comes back in a later poll, as evicted ones are seldom called.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.counts: dict[tuple[int, int], int] = defaultdict(int)
        self.truth = 0
        self.resets = 0.0

    def step(self) -> Poll:
        if self.random.random() < 0.05:
            self.counts.clear()
            self.resets += 1
        gone = {key for key in self.counts if self.random.random() < 0.05}
        for key in gone:
            del self.counts[key]
        for _ in range(self.random.randrange(20)):
            query = int(self.random.expovariate(0.2)) + 1
            key = (self.random.choice((SHOP, MAIL)), query)
            if key in gone:
                continue
            added = self.random.randrange(1, 50)
            self.counts[key] += added
            self.truth += added
        rows = [row(q, n, database=d) for (d, q), n in self.counts.items()]
        return poll(rows, origin=Origin(1.0, self.resets), size=5)


@pytest.mark.parametrize("seed", range(20))
def test_what_rate_sees_over_all_series_is_all_that_was_done(seed: int) -> None:
    world, ledger = World(seed), Ledger()
    ledger.update(world.step())
    world.truth, seen = 0, 0.0
    before: dict[Any, float] = {**calls_by_key(ledger), **rest(ledger)}
    for number in range(300):
        step = world.step() if number < 299 else poll([], origin=Origin(1.0, -1.0))
        ledger.update(step)
        now: dict[Any, float] = {**calls_by_key(ledger), **rest(ledger)}
        assert [k for k in now if k not in before and now[k] != 0] == []
        assert [k for k in now if now[k] < before.get(k, 0)] == []
        seen += sum(now[k] - before.get(k, 0) for k in now)
        before = now
    assert seen == world.truth
