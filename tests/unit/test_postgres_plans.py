"""What plans become: which texts may be planned, hashes, changes, ratios."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.collectors._postgres_plan import may_be_planned, parameters, plan_of
from exporter.collectors.postgres_plans import Reading, Rows, State, evidence, samples
from tests.unit.sampled import values


def node(kind: str, cost: float, *plans: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"Node Type": kind, "Total Cost": cost, "Plans": [*plans], **more}


SEEK = [
    {
        "Plan": node(
            "Nested Loop",
            20.0,
            node("Index Scan", 8.0, **{"Index Name": "by_id", "Relation Name": "a"}),
            node("Seq Scan", 5.0, **{"Relation Name": "b"}),
            **{"Join Type": "Left", "Filter": "(name = 'secret')"},
        )
    }
]
SCAN = [{"Plan": node("Seq Scan", 900.0, **{"Relation Name": "a"})}]


@pytest.mark.parametrize(
    "text",
    [
        "select * from t where id = $1",
        " -- note\n /* more */ SELECT 1",
        "with a as (select 1) select * from a;",
        "select ';' , \"a;b\" from t",
        "values (1)",
        "select $x$ insert; $x$",
    ],
)
def test_queries_that_only_read_may_be_planned(text: str) -> None:
    assert may_be_planned(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "insert into t values (1)",
        "with a as (delete from t returning *) select * from a",
        "select 1; drop table t",
        "select * into copy from t",
        "selection",
        "explain select 1",
        "begin",
    ],
)
def test_what_may_write_or_is_no_single_query_is_not(text: str) -> None:
    assert not may_be_planned(text)


def test_parameters_are_counted_by_their_highest_number() -> None:
    assert parameters("select $2, '$9', $1, $2") == 2


def test_a_plan_has_a_hash_its_dearest_node_and_its_scans() -> None:
    plan = plan_of(SEEK)
    assert (plan.worst, plan.cost, plan.scans) == ("Index Scan using by_id on a", 20, 1)
    assert len(plan.plan_hash) == 8
    assert plan.plan_hash != plan_of(SCAN).plan_hash


def test_conditions_and_estimates_do_not_change_the_hash() -> None:
    other = [{"Plan": {**SEEK[0]["Plan"], "Total Cost": 99.0, "Filter": "(x = 1)"}}]
    assert plan_of(other).plan_hash == plan_of(SEEK).plan_hash


def test_a_change_is_counted_and_its_cost_compared() -> None:
    state = State()
    readings = [Reading(7, plan_of(document)) for document in (SEEK, SEEK, SCAN, SCAN)]
    found = [values(samples(Rows([reading], []), state)) for reading in readings]
    changes = [one["pg_plan_changes_total"]["7",] for one in found]
    ratios = [one["pg_plan_cost_ratio"]["7",] for one in found]
    assert (changes, ratios) == ([0, 0, 1, 1], [1, 1, 45, 45])
    (info,) = found[-1]["pg_plan_info"]
    assert info == ("7", plan_of(SCAN).plan_hash, "Seq Scan on a")


def test_refusals_are_counted_by_kind_and_plans_are_kept() -> None:
    state = State()
    values(samples(Rows([Reading(7, plan_of(SEEK))], []), state))
    found = values(samples(Rows([Reading(7, None, "timeout")], []), state))
    assert found["pg_plan_refusals_total"]["timeout",] == 1
    assert found["pg_plan_changes_total"] == {("7",): 0}


def test_nothing_is_shown_while_it_is_switched_off() -> None:
    assert values(samples(Rows([], []), State())) == {}


def test_the_page_draws_a_plan_that_changed_with_the_one_before() -> None:
    state, text = State(), "select a from t where b = 'secret'"
    for document in (SEEK, SCAN):
        rows = Rows([Reading(7, plan_of(document), "", text)], [])
        values(samples(rows, state))
    (table,) = evidence(rows)
    assert list(zip(table.depths, table.rows, strict=True)) == [
        (0, ("7", 900.0, "select a from t where b = ?")),
        (1, ("now", 900.0, plan_of(SCAN).plan_hash)),
        (2, (None, 900.0, "Seq Scan on a")),
        (1, ("before", 20.0, plan_of(SEEK).plan_hash)),
        (2, (None, 20.0, "Left Nested Loop")),
        (3, (None, 8.0, "Index Scan using by_id on a")),
        (3, (None, 5.0, "Seq Scan on b")),
    ]


def test_a_plan_that_did_not_change_is_drawn_once() -> None:
    rows = Rows([Reading(7, plan_of(SCAN))], [])
    values(samples(rows, State()))
    (table,) = evidence(rows)
    assert table.depths == (0, 1, 2)
