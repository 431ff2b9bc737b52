"""What is made of grouped rows of pg_stat_activity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.postgres_activity import (
    STATES,
    Known,
    Rows,
    Sessions,
    samples,
)
from exporter.config import Filter
from tests.unit.sampled import values

if TYPE_CHECKING:
    from tests.unit.sampled import Values

COUNT = "pg_stat_activity_count"
DURATION = "pg_stat_activity_max_tx_duration"
NO_STATE = "pg_stat_activity_no_state"
CLIENT = "client backend"
EMPTY = Sessions("empty", None, None, None, None, None, None, None, None)


def sessions(
    count: int, application: str = "api", user: str | None = "web", **values: object
) -> Sessions:
    given: dict[str, object] = {
        "datname": "shop",
        "state": "active",
        "backend_type": CLIENT,
        "wait_event_type": None,
        "wait_event": None,
        "max_tx_duration": None,
        **values,
    }
    return Sessions(
        usename=user,
        application_name=application,
        sessions=count,
        **given,  # type: ignore[arg-type]  # the rows of a test
    )


def shown(
    *rows: Sessions, state: Known | None = None, users: Filter | None = None
) -> Values:
    found = Rows([*rows], Filter(), users or Filter())
    return values(samples(found, state or Known()))


def busy(found: Values) -> dict[tuple[str | None, ...], float]:
    return {labels: n for labels, n in found[COUNT].items() if n}


def test_sessions_have_the_peers_labels_and_the_age_of_their_transaction() -> None:
    row = sessions(3, wait_event_type="Lock", wait_event="tuple", max_tx_duration=8.5)
    found = shown(row)
    labels = ("shop", "active", "web", "api", CLIENT, "Lock", "tuple")
    assert busy(found) == {labels: 3}
    assert found[DURATION][labels] == 8.5


def test_states_without_sessions_are_0_and_others_are_not_there_twice() -> None:
    found = shown(EMPTY, sessions(1))
    zeros = {labels for labels, n in found[COUNT].items() if not n}
    assert zeros == {("empty", state, *[""] * 5) for state in STATES} | {
        ("shop", state, *[""] * 5) for state in STATES if state != "active"
    }
    assert found[COUNT].keys() == found[DURATION].keys()


def test_no_more_than_fifty_databases_are_filled_with_zeros() -> None:
    rows = [sessions(1, datname=f"d{n}") for n in range(60)]
    found = shown(*rows)
    assert len(found[COUNT]) == 60 + 50 * (len(STATES) - 1)


def test_a_state_that_is_new_to_us_is_shown_as_it_is() -> None:
    found = busy(shown(sessions(1, state="starting")))
    assert {labels[1] for labels in found} == {"starting"}


def test_sessions_without_a_state_are_counted_apart() -> None:
    found = shown(
        sessions(2, state=None, backend_type=None),
        sessions(1, state=None, user=None, backend_type="TimescaleDB scheduler"),
    )
    assert busy(found) == {}
    assert found[NO_STATE] == {
        ("shop", "web", ""): 2,
        ("shop", "", "TimescaleDB scheduler"): 1,
    }


def test_names_beyond_fifty_are_summed_as_other_and_the_longest_age_is_kept() -> None:
    rows = [sessions(100 - n, application=f"app{n}") for n in range(50)]
    rest = [sessions(1, application=f"x{n}", max_tx_duration=n) for n in range(7)]
    found = shown(*rows, *rest)
    other = ("shop", "active", "web", "other", CLIENT, "", "")
    assert (found[COUNT][other], found[DURATION][other]) == (7, 6)
    assert len(busy(found)) == 51


def test_users_are_bounded_in_the_same_way() -> None:
    rows = [sessions(100 - n, user=f"u{n}") for n in range(60)]
    found = busy(shown(*rows))
    assert found["shop", "active", "other", "api", CLIENT, "", ""] == sum(
        100 - n for n in range(50, 60)
    )


def test_an_application_keeps_its_name_while_another_has_a_few_sessions_more() -> None:
    state = Known()
    crowd = [sessions(10, application=f"app{n}") for n in range(50)]
    shown(*crowd, state=state)
    found = shown(*crowd, sessions(12, application="late"), state=state)
    assert busy(found)["shop", "active", "web", "other", CLIENT, "", ""] == 12


def test_filters_leave_out_databases_and_users() -> None:
    found = shown(sessions(1), sessions(2, user="jobs"), users=Filter(exclude=("web",)))
    assert [*busy(found).values()] == [2]
    rows = Rows([sessions(1), EMPTY], Filter(include=("empty",)), Filter())
    databases = {labels[0] for labels in values(samples(rows, Known()))[COUNT]}
    assert databases == {"empty"}
