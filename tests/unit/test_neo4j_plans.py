"""The collector `plans` on plans of a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors import neo4j_plans
from exporter.collectors.neo4j_plans import Memory, Reading, samples
from exporter.errors import Reason
from exporter.sources.neo4j_plan import Pages, Plan, Refusal
from tests.unit.neo4j_recorded import plan
from tests.unit.sampled import values

SEEK = Reading("q", must_seek=True, plan=plan("explain_seek"))
SCAN = Reading("q", must_seek=True, plan=plan("explain_scan"))
RUN = replace(SCAN, run=plan("profile_scan", seconds=0.1))
STATUSES = (
    *("ok", "explain_failed", "profile_failed", "profile_timeout"),
    *("refused_not_read", "refused_side_effects", "refused_rows"),
)


def seen(
    *readings: Reading, state: dict[str, Memory] | None = None
) -> dict[str, dict[tuple[str | None, ...], float]]:
    return values(samples(readings, {} if state is None else state))


def refused(reason: Reason, seconds: float = 0.0) -> Refusal:
    return Refusal(reason, "no", seconds)


def test_a_seek_keeps_its_promise_and_a_scan_breaks_it() -> None:
    assert seen(SEEK)["neo4j_plan_scan"] == {("q",): 0}
    assert seen(SEEK)["neo4j_plan_must_seek_violated"] == {("q",): 0}
    assert seen(SCAN)["neo4j_plan_scan"] == {("q",): 1}
    assert seen(SCAN)["neo4j_plan_must_seek_violated"] == {("q",): 1}


def test_who_promised_nothing_breaks_nothing() -> None:
    found = seen(replace(SCAN, must_seek=False))
    assert found["neo4j_plan_scan"] == {("q",): 1}
    assert "neo4j_plan_must_seek_violated" not in found


def test_a_plan_that_sought_and_scans_now_got_worse() -> None:
    state: dict[str, Memory] = {}
    seek, scan = (replace(one, must_seek=False) for one in (SEEK, SCAN))
    steps = [(scan, 0), (seek, 0), (scan, 1), (scan, 1), (seek, 0)]
    found = [
        seen(reading, state=state)["neo4j_plan_regressed"]["q",] for reading, _ in steps
    ]
    assert found == [worse for _, worse in steps]
    assert "neo4j_plan_regressed" not in seen(SCAN, state=state)


def test_an_explained_query_says_its_operators_and_estimate() -> None:
    found = seen(SCAN)
    assert found["neo4j_plan_operators"] == {
        ("q", "ProduceResults"): 1,
        ("q", "Filter"): 1,
        ("q", "NodeByLabelScan"): 1,
    }
    assert found["neo4j_plan_estimated_rows"] == {("q",): 50.0}
    ((labels, _),) = found["neo4j_plan_info"].items()
    assert labels[:2] == ("q", "NodeByLabelScan")
    assert labels[3] == "an index on ExecutionResult(user_id)"


def test_equal_operators_are_counted_together() -> None:
    found = seen(replace(SCAN, plan=plan("explain_union")))["neo4j_plan_operators"]
    assert found["q", "Projection"] == 4
    assert sum(found.values()) == 9


def test_an_explained_query_has_no_hits_rows_or_times() -> None:
    names = set(seen(SCAN))
    assert names.isdisjoint({"neo4j_plan_db_hits", "neo4j_plan_rows"})
    assert [name for name in names if name.startswith("neo4j_query")] == []


def test_a_run_says_hits_rows_and_time() -> None:
    found = seen(RUN)
    assert found["neo4j_plan_db_hits"] == {("q",): 200 + 1000 + 1001}
    assert found["neo4j_plan_rows"] == {("q",): 50}
    assert found["neo4j_query_duration_seconds_sum"] == {("q",): 0.1}
    assert found["neo4j_query_duration_seconds_bucket"]["q", "0.075"] == 0
    assert found["neo4j_query_duration_seconds_bucket"]["q", "0.1"] == 1
    assert found["neo4j_query_duration_seconds_bucket"]["q", "+Inf"] == 1


def test_a_run_says_how_far_off_the_planner_was_and_which_pages_it_touched() -> None:
    run = replace(plan("profile_seek"), pages=Pages(440, 3))
    found = seen(replace(SEEK, run=run))
    assert found["neo4j_plan_estimate_error_ratio"]["q",] == pytest.approx(1.0, abs=0.1)
    assert found["neo4j_plan_page_hits"] == {("q",): 440}
    assert found["neo4j_plan_page_faults"] == {("q",): 3}


def test_pages_that_the_server_does_not_count_are_absent() -> None:
    assert "neo4j_plan_page_hits" not in seen(RUN)


def test_the_index_of_a_seek_is_named() -> None:
    assert seen(SEEK)["neo4j_plan_index"] == {
        ("q", "range", "ExecutionResult", "code_hash"): 1
    }
    assert "neo4j_plan_index" not in seen(SCAN)


def test_the_worst_operator_of_a_run_is_the_one_with_the_most_hits() -> None:
    found = seen(replace(SCAN, run=plan("profile_seek")))["neo4j_plan_info"]
    assert [key[1] for key in found] == ["ProduceResults"]


def test_the_times_of_all_polls_add_up() -> None:
    state: dict[str, Memory] = {}
    seen(RUN, state=state)
    slow = replace(RUN, run=plan("profile_scan", seconds=2.0))
    found = seen(slow, state=state)
    assert found["neo4j_query_duration_seconds_count"] == {("q",): 2}
    assert found["neo4j_query_duration_seconds_sum"] == {("q",): 2.1}
    later = seen(SCAN, state=state)
    assert later["neo4j_query_duration_seconds_count"] == {("q",): 2}


@pytest.mark.parametrize("threshold", [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 10.0])
def test_every_threshold_of_the_profiles_is_a_bound(threshold: float) -> None:
    bounds = {key[1] for key in seen(RUN)["neo4j_query_duration_seconds_bucket"]}
    assert repr(threshold) in bounds


def test_a_run_that_was_cut_short_counts_with_the_time_it_took() -> None:
    found = seen(replace(SCAN, run=refused(Reason.TIMEOUT, 2.5)))
    assert found["neo4j_query_duration_seconds_sum"] == {("q",): 2.5}
    assert "neo4j_plan_db_hits" not in found
    assert found["neo4j_plan_scan"] == {("q",): 1}


def test_a_run_that_failed_has_no_time() -> None:
    found = seen(replace(SCAN, run=refused(Reason.QUERY, 0.1)))
    assert found["neo4j_query_duration_seconds_count"] == {("q",): 0}


@pytest.mark.parametrize(
    ("reading", "status"),
    [
        (SEEK, "ok"),
        (RUN, "ok"),
        (replace(SCAN, plan=refused(Reason.QUERY)), "explain_failed"),
        (replace(SCAN, run=refused(Reason.QUERY)), "profile_failed"),
        (replace(SCAN, run=refused(Reason.LIMIT)), "profile_failed"),
        (replace(SCAN, run=refused(Reason.TIMEOUT)), "profile_timeout"),
        (replace(SCAN, refused="refused_not_read"), "refused_not_read"),
        (replace(SCAN, refused="refused_side_effects"), "refused_side_effects"),
        (replace(SCAN, refused="refused_rows"), "refused_rows"),
    ],
)
def test_one_status_holds_out_of_a_closed_set(reading: Reading, status: str) -> None:
    assert seen(reading)["neo4j_plan_status"] == {
        ("q", known): int(known == status) for known in STATUSES
    }


def test_a_query_that_fails_leaves_the_others_their_plans() -> None:
    broken = Reading("broken", must_seek=True, plan=refused(Reason.QUERY))
    found = seen(broken, SEEK)
    assert found["neo4j_plan_scan"] == {("q",): 0}
    assert found["neo4j_plan_changes_total"] == {("broken",): 0, ("q",): 0}


def test_another_plan_is_a_change_and_the_same_plan_is_none() -> None:
    state: dict[str, Memory] = {}
    steps = [
        (SEEK, 0),
        (SEEK, 0),
        (replace(SEEK, plan=refused(Reason.QUERY)), 0),
        (SEEK, 0),
        (SCAN, 1),
        (SCAN, 1),
        (SEEK, 2),
    ]
    counts = [
        seen(reading, state=state)["neo4j_plan_changes_total"]["q",]
        for reading, _ in steps
    ]
    assert counts == [count for _, count in steps]


def test_there_is_one_plan_hash_at_a_time() -> None:
    state: dict[str, Memory] = {}
    first = seen(SEEK, state=state)["neo4j_plan_info"]
    second = seen(SCAN, state=state)["neo4j_plan_info"]
    assert (len(first), len(second)) == (1, 1)
    assert [key[3] for key in first] == [""]
    assert first.keys().isdisjoint(second)


def test_an_answer_without_a_plan_has_no_worst_operator() -> None:
    found = seen(replace(SEEK, plan=Plan((), "s")))
    ((labels, _),) = found["neo4j_plan_info"].items()
    assert labels[1] == ""
    assert "neo4j_plan_estimated_rows" not in found


def test_every_sample_is_of_a_declared_metric() -> None:
    run = replace(plan("profile_seek"), pages=Pages(1, 2))
    readings = [RUN, replace(SEEK, query="p", must_seek=False, run=run)]
    made = {sample.metric for sample in samples(readings, {})}
    assert made == {*neo4j_plans.COLLECTOR.metrics}
