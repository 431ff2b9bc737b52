"""Which cause comes first, and the reasons that are said for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.loader import catalogue
from exporter.sidecar.incidents.candidates import Surroundings, causes, times
from exporter.sidecar.incidents.incident import Change, Comparison
from exporter.sidecar.incidents.rank import (
    NAMED,
    Candidate,
    Kind,
    Whom,
    depth_of,
    rank,
)
from tests.unit.incidents_made import (
    AROUND,
    evidence,
    incident,
    lock_table,
    statements,
)

if TYPE_CHECKING:
    from exporter.sidecar.incidents.incident import Cause, Incident

HOLDER = "migration in shop: idle in transaction, blocks 3"
LOCK = incident(
    "pg_lock_waiters", after=8, cause=f"{HOLDER}\nbackup in shop: blocks 1\n"
)
SLOW = incident("api_latency_p95", "web", cause="/api/orders takes 2s on average\n")


def first(of: Incident, *near: Incident, **parts: object) -> Cause:
    return causes(of, evidence(**parts), [of, *near], AROUND)[0]


def test_every_promise_that_is_ranked_by_name_is_in_the_catalogue() -> None:
    known = {kpi.id for subject in catalogue() for kpi in subject.kpis}
    assert known >= NAMED


@pytest.mark.parametrize(
    ("kpi", "subject", "depth"),
    [
        ("api_latency_p95", "api", 0),
        ("db_query_p95", "postgres", 1),
        ("pg_lock_waiters", "postgres", 2),
        ("neo4j_index_missing", "neo4j", 3),
        ("target_down", "exporter", 4),
        ("application_down", "api", 4),
        ("disk_full_in", "host", -1),
        ("somebody_elses", "", 2),
    ],
)
def test_a_promise_lies_below_what_it_breaks(
    kpi: str, subject: str, depth: int
) -> None:
    assert depth_of(kpi, subject) == depth


def test_what_the_alert_names_is_the_first_cause() -> None:
    found = causes(LOCK, evidence(), [], AROUND)
    assert [cause.text for cause in found] == [
        HOLDER,
        "backup in shop: blocks 1",
        "PgLockWaiters is broken on shop",
    ]
    assert found[0].why == "the alert itself names it"


def test_a_line_about_what_the_alert_is_about_goes_first() -> None:
    lines = "postgres has 1.6k files open\npython has 404 files open\n"
    files = incident("process_group_files", "local", cause=lines)
    assert first(files).text == "postgres has 1.6k files open"
    about = files._replace(labels={**files.labels, "group": "python"})
    assert first(about).text == "python has 404 files open"


def test_a_symptom_is_explained_by_what_broke_beneath_it() -> None:
    cause = first(SLOW, LOCK)
    assert cause.text == f"PgLockWaiters on shop: {HOLDER}"
    assert cause.why == (
        "such a break can cause this one; began 8 s after; "
        "on shop, behind the application"
    )


def test_a_cause_is_not_explained_by_its_symptom() -> None:
    assert first(LOCK, SLOW).text == HOLDER


def test_what_slows_explains_failures_less_and_what_is_only_shown_less() -> None:
    def weight(kpi: str, severity: str) -> float:
        other = incident("cpu_used", "local")
        other = other._replace(labels={**other.labels, "severity": severity})
        found = causes(incident(kpi, "web"), None, [other], AROUND)
        return next(cause.weight for cause in found if cause.kind == "alert")

    slow, failing = ("api_latency_p95", "error_rate")
    assert weight(slow, "warning") > weight(failing, "warning")
    assert weight(slow, "warning") == 2 * weight(slow, "info")


def test_what_harms_nobody_yet_explains_nothing() -> None:
    full = incident("disk_full_in", "local", after=-5)
    found = causes(SLOW, None, [full], AROUND)
    assert found[0].text == "/api/orders takes 2s on average"
    (said,) = [cause for cause in found if cause.kind == "alert"]
    assert said.why.startswith("broken as well")
    own = incident("disk_full_in", "local", cause="postgres writes most\n")
    assert causes(own, None, [LOCK], AROUND)[0].text == "postgres writes most"


def test_a_target_that_is_down_explains_everything_on_it() -> None:
    down = incident("target_down", cause="polls fail for the reason connect\n")
    assert first(LOCK, down).text.startswith("TargetDown on shop")


def test_what_began_earlier_and_closer_is_likelier() -> None:
    def weight(seconds: float) -> float:
        one = Candidate(Kind.ALERT, "x", seconds=seconds, depth=2)
        return rank(0, [one])[0].weight

    assert weight(-5) > weight(-300) > weight(300)


def test_what_is_on_the_same_target_is_likelier() -> None:
    def weight(whom: Whom) -> float:
        return rank(1, [Candidate(Kind.STATEMENT, "x", whom, change=4.0)])[0].weight

    assert weight(Whom.SAME) > weight(Whom.BEHIND) > weight(Whom.HOST)


def test_what_changed_much_is_likelier_and_what_did_not_is_unlikely() -> None:
    def weight(change: float | None) -> float:
        return rank(1, [Candidate(Kind.STATEMENT, "x", change=change)])[0].weight

    ordered = [weight(c) for c in (16.0, 4.0, 1.6, None, 1.0)]
    assert ordered == sorted(ordered, reverse=True)
    assert len({*ordered}) == 5
    assert weight(math.inf) == weight(16.0)


def test_a_statement_that_grew_explains_a_slow_server() -> None:
    slow = incident("db_query_p95")
    cause = first(slow, comparisons=[statements(0.9, 0.1)])
    assert cause.text == "SELECT slow takes 0.9 s of each second"
    assert cause.why == (
        "of the statements it takes most time; 90% of all; "
        "9 times as much as an hour ago"
    )


def groups(total: float) -> Comparison:
    """Compare two process groups of a host that uses `total` cores."""
    changes = [
        Change({"target": "local", "group": "python"}, 0.351, 0.117),
        Change({"target": "local", "group": "java"}, 0.023, 0.023),
    ]
    return Comparison("process", "Process groups", "cores", changes, total)


def test_a_share_is_of_all_and_a_group_stands_once() -> None:
    lines = "everything else uses 1.226 cores\npython uses 350.9m cores\n"
    cpu = incident("cpu_used", "local", cause=lines)
    found = causes(cpu, evidence(comparisons=[groups(1.6)]), [], AROUND)
    said = {cause.text: cause.why for cause in found}
    assert said["python uses 350.9m cores"] == (
        "the alert itself names it; 22% of all; 3 times as much as an hour ago"
    )
    assert said["java uses 0.023 cores"].split("; ")[1] == "1% of all"
    assert [text for text in said if text.startswith("python")] == [found[1].text]
    assert found[0].text == "everything else uses 1.226 cores"


def test_a_group_on_another_machine_is_another_cause() -> None:
    slow = incident("api_latency_p95", "web", cause="python uses 350m cores\n")
    found = causes(slow, evidence(comparisons=[groups(1.6)]), [], AROUND)
    assert [c.text for c in found].count("python uses 0.351 cores") == 1


def test_a_statement_that_the_alert_quotes_stands_once() -> None:
    slow = incident("db_query_p95", cause="42 takes 2s: SELECT slow\n")
    found = causes(slow, evidence(comparisons=[statements(0.9, 0.1)]), [], AROUND)
    (one,) = [cause for cause in found if "SELECT slow" in cause.text]
    assert one.why.startswith("the alert itself names it; 90% of all; 9 times")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (0.0, "nothing of it an hour ago"),
        (1.0, "as much as an hour ago"),
        (9.0, "less than an hour ago"),
    ],
)
def test_a_change_is_said_in_words(before: float, words: str) -> None:
    found = causes(
        incident("db_query_p95"),
        evidence(comparisons=[statements(0.9, before)]),
        [],
        AROUND,
    )
    (slow,) = [cause for cause in found if cause.text.startswith("SELECT slow")]
    assert slow.why.endswith(words)


def test_nobody_says_how_much_changed_when_there_was_nothing_to_compare() -> None:
    assert (times(1.0, None), times(1.0, 0.0), times(1.0, 0.5)) == (None, math.inf, 2.0)
    cause = first(incident("db_query_p95"), comparisons=[statements(0.9, None)])
    assert cause.why == "of the statements it takes most time; 90% of all"


def test_a_table_of_the_promise_names_its_first_rows_without_persons() -> None:
    found = causes(LOCK, evidence(tables={"shop": [lock_table()]}), [], AROUND)
    texts = [cause.text for cause in found]
    assert "Who waits for whom: pid 7, migration" in texts
    assert not [text for text in texts if "ada" in text or "bob" in text]


def test_who_holds_a_lock_explains_a_slow_application() -> None:
    cause = first(SLOW, tables={"shop": [lock_table()]})
    assert cause.text == "Who waits for whom: pid 7, migration"
    assert cause.why.startswith("who waits for a lock is slow or fails")


def test_what_was_seen_long_before_is_said_so() -> None:
    past = lock_table(current=False, seen="2025-10-09T08:43:20+00:00")
    (found,) = [
        cause
        for cause in causes(SLOW, evidence(tables={"shop": [past]}), [], AROUND)
        if cause.kind == "blocking"
    ]
    assert "seen last 600 s before" in found.why


def test_what_was_over_before_is_no_likely_cause() -> None:
    past = incident("pg_lock_waiters", after=-60, cause=f"{HOLDER}\n")
    assert first(SLOW, past).text == f"PgLockWaiters on shop: {HOLDER}"
    gone = past._replace(closed=SLOW.opened - 5)
    assert first(SLOW, gone).text == "/api/orders takes 2s on average"
    (said,) = [c for c in causes(SLOW, None, [gone], AROUND) if c.kind == "alert"]
    assert "over before this began" in said.why


def test_a_table_that_is_of_the_past_is_no_likely_cause() -> None:
    past = lock_table(current=False, seen="2025-10-09T08:51:20+00:00")
    cause = first(SLOW, tables={"shop": [past]})
    assert cause.text == "/api/orders takes 2s on average"


def test_without_any_evidence_the_summary_is_left() -> None:
    cause = causes(incident("cpu_used", "local"), None, [], AROUND)[0]
    assert (cause.text, cause.why) == (
        "CpuUsed is broken on local",
        "what the alert says",
    )


def test_a_text_stands_once_and_at_most_eight_are_left() -> None:
    many = [Candidate(Kind.OWN, f"line {n % 10}") for n in range(30)]
    found = rank(2, many)
    assert len(found) == 8
    assert len({cause.text for cause in found}) == 8


def test_an_application_concerns_the_targets_behind_it_and_the_hosts() -> None:
    around = Surroundings({}, {"web": ["shop", "cache"]}, ["local"])
    assert around.targets("application", "web") == ["shop", "cache", "local"]
    assert around.targets("target", "cache") == ["cache", "local"]
    assert around.targets("target", "local") == ["local"]
    assert around.targets("", "") == ["local"]
