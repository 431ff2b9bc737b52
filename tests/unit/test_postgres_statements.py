"""What is made of rows of pg_stat_statements, poll by poll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collectors._postgres_durations_samples import DURATION
from exporter.collectors._postgres_rows import packed
from exporter.collectors._postgres_statements_info import Info
from exporter.collectors._postgres_statements_view import FIGURES, Sent
from exporter.collectors._postgres_text import MARK, Answer
from exporter.collectors.postgres_statements import (
    COLLECTOR,
    Rows,
    Settings,
    State,
    evidence,
    samples,
)
from exporter.config import Filter
from exporter.sources.postgres_kept import Kept
from exporter.sources.postgres_log import Tail
from exporter.sources.postgres_sampling import Looks
from tests.unit.sampled import values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.unit.sampled import Values

WEB, MONITOR = 11, 13
CALLS = "pg_stat_statements_calls_total"
TEXT = "pg_stat_statements_query_id"
OTHER = ("other", "shop", "other")


def row(user: int, query: int | None, calls: int, database: int = 1) -> tuple[Any, ...]:
    spread = (0.0, 500.0, 500.0)
    return (user, database, query, True, calls, calls * 500.0, *range(1, 12), *spread)


def settings(**given: Any) -> Settings:
    return Settings(
        given.get("databases", Filter()),
        given.get("users", Filter()),
        given.get("top", 100),
        given.get("text", True),
    )


def rows(
    *found: tuple[Any, ...],
    texts: Iterable[tuple[Any, ...]] = (),
    asked: Iterable[int] = (),
    **given: Any,
) -> Rows:
    return Rows(
        Info(
            1000.0,
            MONITOR,
            given.get("now", 1100.0),
            given.get("logged", -1.0),
            given.get("dealloc"),
            given.get("reset"),
        ),
        Sent(
            [packed((*one, hash(one))) for one in found],
            *(frozenset(), frozenset(), frozenset()),
            given.get("forgot"),
        ),
        given.get("whole", True),
        given.get("kept", Kept()),
        {1: "shop", 2: "mail"},
        {WEB: "web", MONITOR: "monitor"},
        Answer(frozenset(asked), [*texts], given.get("wanted", set())),
        settings(**given),
        Looks(given.get("ages", {}), given.get("looks", 0)),
        given.get("log", Tail()),
        given.get("monitor"),
        [],
        given.get("known", len(FIGURES)),
    )


def after(state: State, *polls: Rows) -> Values:
    return [values(samples(poll, state)) for poll in polls][-1]


def test_figures_have_the_peers_names_and_base_units() -> None:
    state = State()
    old = (WEB, 1, 7, True, 1, 500.0, *[0] * 11, 0.0, 500.0, 500.0)
    figures = (3, 2000.0, 5, 500.0, 250.0, 125.0, *range(40, 46), 3000.0)
    new = (WEB, 1, 7, True, *figures, 117.9, 500.0, 750.0)
    found = after(state, rows(old), rows(new))
    labels = ("web", "shop", "7")
    assert [found[metric.name][labels] for metric, _ in FIGURES] == [
        *(2, 1.5, 5, 0.5, 0.25, 0.125, *range(40, 46), 3)
    ]


def test_every_metric_is_declared_and_shown() -> None:
    texts = [(WEB, 7, "select 1")]
    first = rows(row(WEB, 7, 1), dealloc=0, reset=5.0)
    second = rows(row(WEB, 7, 1), texts=texts, asked=[7], dealloc=2, reset=5.5)
    found = after(State(), first, second)
    parts = ("_bucket", "_sum", "_count")
    shown = {m.name for m in COLLECTOR.metrics} - {DURATION.name}
    assert found.keys() == shown | {DURATION.name + part for part in parts}
    assert found["pg_stat_statements_dealloc_total"] == {(): 2}
    assert found["pg_stat_statements_stats_reset_timestamp_seconds"] == {(): 5.5}


def test_what_version_13_does_not_know_is_absent() -> None:
    found = after(State(), rows(row(WEB, 7, 1), known=len(FIGURES) - 1))
    missing = {m.name for m in COLLECTOR.metrics} - found.keys() - {DURATION.name}
    assert missing == {
        "pg_stat_statements_query_id",
        "pg_stat_statements_dealloc_total",
        "pg_stat_statements_stats_reset_timestamp_seconds",
        "pg_stat_statements_jit_seconds_total",
    }


def test_a_members_text_is_asked_for_and_shown_without_literals() -> None:
    state, wanted = State(), set[int]()
    after(state, rows(row(WEB, 7, 1), wanted=wanted))
    assert wanted == {7}
    answer = [(WEB, 7, "select 'x'\nfrom t")]
    second = rows(row(WEB, 7, 1), texts=answer, asked=[7], wanted=wanted)
    assert after(state, second)[TEXT] == {("7", "select ? from t"): 1}
    assert wanted == set()


def test_a_text_that_is_gone_is_not_shown() -> None:
    found = after(State(), rows(row(WEB, 7, 1)), rows(row(WEB, 7, 1), asked=[7]))
    assert TEXT not in found


def test_texts_can_be_switched_off() -> None:
    state, wanted = State(), set[int]()
    found = after(state, rows(row(WEB, 7, 1), wanted=wanted, text=False))
    assert (TEXT in found, wanted) == (False, set())


def test_our_own_statements_are_found_by_their_mark_and_left_out() -> None:
    state, wanted = State(), set[int]()
    texts = [(MONITOR, 1, f"select {MARK} 1"), (MONITOR, 2, "select a")]
    after(state, rows(row(MONITOR, 1, 5), row(MONITOR, 2, 5), wanted=wanted))
    assert wanted == {1, 2}
    found = after(
        state,
        rows(row(MONITOR, 1, 8), row(MONITOR, 2, 6), texts=texts, asked=[1, 2]),
        rows(row(MONITOR, 1, 9), row(MONITOR, 2, 7)),
    )
    assert found[CALLS] == {("monitor", "shop", "2"): 1, OTHER: 1}


def test_hidden_statements_are_in_the_rest_of_their_database() -> None:
    found = after(State(), rows(row(WEB, None, 5)), rows(row(WEB, None, 8)))
    assert found[CALLS] == {OTHER: 3}


def test_filters_leave_out_databases_and_users() -> None:
    first = [row(WEB, 7, 1), row(MONITOR, 8, 1), row(WEB, 7, 1, database=2)]
    kept: dict[str, Any] = {
        "databases": Filter(exclude=("mail",)),
        "users": Filter(exclude=("web",)),
    }
    found = after(State(), rows(*first, **kept), rows(*first, **kept, asked=[8]))
    assert found[CALLS] == {OTHER: 0}


def test_without_series_of_their_own_all_statements_are_the_rest() -> None:
    found = after(State(), rows(row(WEB, 7, 1), top=0), rows(row(WEB, 7, 9), top=0))
    assert found[CALLS] == {OTHER: 8}


def test_statements_of_dropped_users_are_the_rest() -> None:
    first, second = [row(98, 7, 1), row(99, 7, 1)], [row(98, 7, 2), row(99, 7, 4)]
    found = after(State(), rows(*first), rows(*second))
    assert found[CALLS] == {OTHER: 4}


def test_a_member_whose_user_is_dropped_has_no_series_any_more() -> None:
    state = State()
    assert ("web", "shop", "7") in after(state, rows(row(WEB, 7, 1)))[CALLS]
    dropped = rows(row(WEB, 7, 1))._replace(users={})
    assert after(state, dropped)[CALLS] == {OTHER: 0}


def test_the_page_names_statements_with_most_slow_calls_and_what_is_certain() -> None:
    state = State()
    quick = (WEB, 1, 8, True, 1, 10.0, *[0] * 11, 0.0, 10.0, 10.0)
    many = (WEB, 1, 8, True, 1001, 10_010.0, *[0] * 11, 0.0, 10.0, 10.0)
    after(state, rows(row(WEB, 7, 1), quick))
    texts = [(WEB, 7, "select 'x'"), (WEB, 8, "select 1")]
    last = rows(row(WEB, 7, 3), many, texts=texts, asked=[7, 8])
    after(state, last)
    (table,) = evidence(last)
    slow, fast = table.rows
    assert slow[:6] == ("shop", "web", "7", 2, 1.0, 0.5)
    assert slow[7:] == (2, 2, 2, "select ?")
    assert fast[:4] == ("shop", "web", "8", 1000)
    assert fast[7:] == (0, 0, 0, "select ?")


def test_the_page_forgets_statements_that_are_called_no_more() -> None:
    state = State()
    after(state, rows(row(WEB, 7, 1)), rows(row(WEB, 7, 2)))
    last = [rows(row(WEB, 7, 2)) for _ in range(40)]
    after(state, *last)
    (table,) = evidence(last[-1])
    assert table.rows == ()
