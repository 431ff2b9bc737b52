"""What is made of locks, and of who waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors._postgres_blocking import Session, grow, table
from exporter.collectors.postgres_locks import MODES, Locks, Rows, evidence, samples
from exporter.config import Filter
from exporter.state import StickyTop
from tests.unit.sampled import values

if TYPE_CHECKING:
    from tests.unit.sampled import Values

EMPTY = Locks("shop", None, 0, 0)


def session(
    pid: int, *blockers: int, application: str = "api", **more: object
) -> Session:
    given: dict[str, object] = {"datname": "shop", "state": "active", **more}
    return Session(
        pid,
        application_name=application,
        blockers=[*blockers] or None,
        **given,  # type: ignore[arg-type]  # the rows of a test
    )


def shown(*rows: Session, databases: Filter | None = None) -> Values:
    locks = [EMPTY, Locks("other", "exclusivelock", 2, 1)]
    found = Rows(locks, [*rows], databases or Filter(), Filter())
    return values(samples(found, StickyTop()))


def placed(*rows: Session) -> list[tuple[int, int, int]]:
    return [(node.session.pid, node.depth, node.root.pid) for node in grow(rows)]


def test_every_mode_of_every_database_is_there_and_awaited_locks_count_as_well() -> (
    None
):
    found = shown()
    assert len(found["pg_locks_count"]) == 2 * len(MODES) == 18
    assert found["pg_locks_count"]["other", "exclusivelock"] == 3
    assert found["pg_locks_waiting"]["other", "exclusivelock"] == 1
    assert found["pg_locks_count"]["shop", "sireadlock"] == 0


def test_where_nobody_waits_all_is_0() -> None:
    found = shown()
    for name in ("sessions", "oldest_seconds", "depth"):
        assert found[f"pg_blocked_{name}"] == {("shop",): 0, ("other",): 0}
    assert "pg_blocked_behind" not in found


def test_the_root_blocker_answers_for_all_behind_it() -> None:
    found = shown(
        session(1, application="migration", state="idle in transaction"),
        session(2, 1, waits_seconds=7.5),
        session(3, 2, 1, waits_seconds=3.0),
        session(4, 3, waits_seconds=1.0),
    )
    assert found["pg_blocked_sessions"]["shop",] == 3
    assert found["pg_blocked_oldest_seconds"]["shop",] == 7.5
    assert found["pg_blocked_depth"]["shop",] == 3
    behind = ("shop", "migration", "idle in transaction")
    assert found["pg_blocked_behind"] == {behind: 3}


def test_a_prepared_transaction_and_a_hidden_state_are_called_so() -> None:
    found = shown(
        Session(0),
        session(2, 0),
        session(3, state=None),
        session(4, 3),
    )
    assert found["pg_blocked_behind"] == {
        ("", "", "prepared transaction"): 1,
        ("shop", "api", "hidden"): 1,
    }


def test_applications_beyond_fifty_are_summed() -> None:
    crowd = [
        one
        for n in range(60)
        for one in (session(n + 1, application=f"a{n}"), session(n + 100, n + 1))
    ]
    found = shown(*crowd)["pg_blocked_behind"]
    assert (len(found), found["shop", "other", "active"]) == (51, 10)


def test_who_is_of_a_database_that_is_left_out_is_not_shown() -> None:
    rows = (session(1), session(2, 1), session(3, datname="b"), session(4, 3))
    found = shown(*rows, databases=Filter(exclude=("shop",)))
    assert found["pg_blocked_sessions"] == {("other",): 0}
    assert "pg_blocked_behind" not in found
    (kept,) = evidence(Rows([], [*rows], Filter(exclude=("shop",)), Filter()))
    assert [row[0] for row in kept.rows] == [3, 4]


def test_sessions_stand_below_those_they_wait_for() -> None:
    found = placed(session(3, 2, 1), session(2, 1), session(4, 1), session(1))
    assert found == [(1, 0, 1), (2, 1, 1), (3, 2, 1), (4, 1, 1)]


def test_a_circle_and_what_is_behind_it_end() -> None:
    assert placed(session(1, 2), session(2, 1), session(3, 2)) == [
        *((1, 0, 1), (2, 1, 1), (3, 2, 1))
    ]


def test_who_waits_for_somebody_who_is_gone_is_left_out() -> None:
    assert placed(session(1, 9), session(2, 2)) == []


def test_a_chain_of_thousands_ends_soon() -> None:
    chain = [session(n, n - 1) for n in range(2, 101)]
    assert placed(session(1), *chain)[-1] == (100, 99, 1)


def test_statements_in_the_tree_have_no_literals() -> None:
    rows = [
        session(1, query="update t set a = 'hush' where b = 4711"),
        session(2, 1, query=None, mode="ShareLock", locked="transactionid"),
        session(3, 1, query="select secret", usename="boss"),
    ]
    found = table(grow(rows), Filter(exclude=("boss",)))
    assert found.depths == (0, 1, 1)
    first, second, third = (
        dict(zip(found.columns, row, strict=True)) for row in found.rows
    )
    assert (third["user"], third["statement"]) == ("boss", None)
    assert first["statement"] == "update t set a = ? where b = ?"
    assert (second["waits_for"], second["statement"]) == (
        "ShareLock on transactionid",
        "",
    )
