"""What is made of clients' sessions: connections, ages, the horizon of vacuum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.postgres_sessions import (
    Holder,
    Limit,
    Oldest,
    Rows,
    Sessions,
    evidence,
    samples,
)
from exporter.config import Filter
from exporter.state import StickyTop
from tests.unit.sampled import values

if TYPE_CHECKING:
    from tests.unit.sampled import Values

IDLE = "pg_session_idle_in_transaction_seconds"


def like(count: int, application: str = "api", **more: object) -> Sessions:
    given: dict[str, object] = {
        **dict.fromkeys(("transaction", "idle", "statement")),
        "datname": "shop",
        "usename": "web",
        "state": "active",
        **more,
    }
    return Sessions(
        application_name=application,
        sessions=count,
        **given,  # type: ignore[arg-type]  # the rows of a test
    )


def rows(
    *found: Sessions,
    holders: tuple[Holder, ...] = (),
    oldest: tuple[Oldest, ...] = (),
    users: Filter | None = None,
    sees_all: bool = True,
) -> Rows:
    limit = Limit(usable=97, sees_all=sees_all)
    kept = users or Filter()
    return Rows([*found], limit, [*holders], [*oldest], Filter(), kept)


def shown(read: Rows, state: StickyTop[str] | None = None) -> Values:
    return values(samples(read, state or StickyTop()))


def test_connections_are_counted_by_state_with_those_that_are_not_there() -> None:
    found = shown(rows(like(3), like(2, state=None, datname="b"), like(4, "x")))
    counts = found["pg_connections"]
    assert {state: n for (state,), n in counts.items() if n} == {
        "active": 7,
        "hidden": 2,
    }
    assert counts["idle in transaction",] == 0
    assert found["pg_connections_usable"] == {(): 97}


def test_the_longest_of_a_database_and_application_is_shown() -> None:
    found = shown(
        rows(
            like(1, transaction=5.0, statement=2.0),
            like(1, usename="b", transaction=9.0, statement=1.0),
            like(1, state="idle in transaction", transaction=70.0, idle=60.0),
        )
    )
    place = ("shop", "api")
    assert found["pg_session_transaction_seconds"] == {
        (*place, "active"): 9.0,
        (*place, "idle in transaction"): 70.0,
    }
    assert found[IDLE] == {place: 60.0}
    assert found["pg_session_statement_seconds"] == {place: 2.0}


def test_applications_beyond_fifty_are_other_with_their_longest() -> None:
    crowd = [like(1, f"a{n}", transaction=100.0 + n) for n in range(60)]
    found = shown(rows(*crowd))["pg_session_transaction_seconds"]
    assert (len(found), found["shop", "other", "active"]) == (102, 109.0)


def test_a_filter_leaves_ages_out_but_no_connections() -> None:
    found = shown(rows(like(3, transaction=1.0), users=Filter(exclude=("web",))))
    assert found["pg_connections"]["active",] == 3
    assert "pg_session_transaction_seconds" not in found


def test_an_application_without_transactions_has_0() -> None:
    found = shown(rows(like(3, state="idle")))["pg_session_transaction_seconds"]
    assert found == {
        ("shop", "api", "active"): 0,
        ("shop", "api", "idle in transaction"): 0,
    }


def test_the_horizon_is_0_where_nothing_holds_it_and_absent_where_hidden() -> None:
    held = (Holder("slot", "old", 1000), Holder("session", "api", None))
    ages = shown(rows(holders=held))["pg_xmin_horizon_age"]
    assert ages == {
        **dict.fromkeys((("session",), ("standby",), ("slot_catalog",)), 0),
        ("prepared",): 0,
        ("slot",): 1000,
    }
    hidden = shown(rows(holders=held, sees_all=False))["pg_xmin_horizon_age"]
    assert hidden.keys() == {("slot",), ("slot_catalog",), ("prepared",)}


def test_the_oldest_transactions_are_shown_without_literals() -> None:
    old = Oldest(7, "api", "web", "shop", "active", 9.0, 3.0, 12, "select 'hush', 1")
    shop, horizon = evidence(
        rows(
            oldest=(old,),
            holders=(Holder("slot", "old", 5), Holder("prepared", "g", 0)),
        )
    )
    assert shop.rows == ((7, "api", "web", "shop", "active", 9, 3, 12, "select ?, ?"),)
    assert horizon.rows == (("slot", "old", 5),)
    (left, _) = evidence(rows(oldest=(old,), users=Filter(exclude=("web",))))
    assert left.rows == ()
