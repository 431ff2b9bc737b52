"""Verdicts from fixed answers: broken, kept, undecidable, without data."""

from __future__ import annotations

import pytest

from exporter.catalogue.loader import catalogue
from exporter.catalogue.model import Kpi, Severity
from exporter.catalogue.plan import Override, Plan
from exporter.catalogue.profiles import Profile
from exporter.report.judge import EMPTY, Answers, Look, Run, line, longest
from exporter.report.model import Line, Refusal, Report, Series, Source, Verdict
from exporter.report.questions import Kind

LOOK = Look(end=3600.0, step=60.0, shape=60.0)
NOW = Look(end=3600.0, step=0.0, shape=0.0)
HOST = {"job": "j", "instance": "i", "target": "machine"}
ORDERS = {"job": "j", "instance": "i", "target": "orders", "datname": "d"}
PLAN = Plan(catalogue())


def kpi_of(name: str) -> Kpi:
    return next(k for s in catalogue() for k in s.kpis if k.id == name)


def minutes(labels: dict[str, str], first: int, last: int, value: float = 1) -> Series:
    """Make a series with a point each minute from the first to the last."""
    points = tuple((60.0 * at, float(value)) for at in range(first, last + 1))
    return Series(labels, points)


def cpu(*beyond: Series, plan: Plan = PLAN, look: Look = LOOK) -> Line:
    answers: Answers = {
        (Kind.VALUE, ""): (minutes(HOST, 0, 60, 0.5),),
        (Kind.BEYOND, "0"): beyond,
        (Kind.BEYOND, "1"): (),
    }
    return line(plan, kpi_of("cpu_used"), answers, look)


def statements(least: float | None, most: float | None, *, beyond: bool) -> Line:
    """Judge an estimate: whether it is beyond, and the bounds of the slow share."""
    answers: Answers = {
        (Kind.VALUE, ""): (minutes(ORDERS, 0, 60, 0.12),),
        (Kind.GUARD, ""): (minutes(ORDERS, 0, 60),),
        (Kind.BEYOND, "0"): (minutes(ORDERS, 20, 30),) if beyond else (),
    }
    for kind, share in ((Kind.CERTAIN, least), (Kind.POSSIBLE, most)):
        if share is not None:
            answers[kind, "0"] = (minutes(ORDERS, 20, 30, share),)
    return line(PLAN, kpi_of("db_query_p95"), answers, LOOK)


def test_beyond_its_limit_for_as_long_as_the_rule_waits_is_broken() -> None:
    found = cpu(minutes(HOST, 30, 35))

    (row,) = found.rows
    assert (found.verdict, found.severity) == (Verdict.BROKEN, Severity.WARNING)
    assert (row.beyond, row.limit, row.current) == (300.0, 0.7, False)


def test_beyond_its_limit_for_a_moment_is_kept() -> None:
    assert cpu(minutes(HOST, 30, 34)).verdict is Verdict.KEPT


def test_moments_that_do_not_touch_are_not_added_up() -> None:
    moments = [(60.0 * at, 1.0) for at in (1, 2, 3, 10, 11, 12, 20, 21, 22)]

    assert cpu(Series(HOST, tuple(moments))).verdict is Verdict.KEPT


def test_what_is_beyond_at_the_end_is_so_now() -> None:
    assert cpu(minutes(HOST, 50, 60)).rows[0].current


def test_of_one_moment_alone_beyond_is_broken() -> None:
    found = cpu(Series(HOST, ((3600.0, 0.9),)), look=NOW)

    assert found.verdict is Verdict.BROKEN


def test_another_targets_breach_is_not_ones_own() -> None:
    other = {**HOST, "target": "another"}

    assert cpu(minutes(other, 0, 60)).verdict is Verdict.KEPT


def test_a_target_with_a_limit_of_its_own_is_not_judged_by_the_general_one() -> None:
    own = {"machine": {Severity.WARNING: 0.94}}
    plan = Plan(catalogue(), overrides={"cpu_used": Override(targets=own)})

    found = cpu(minutes(HOST, 0, 60), plan=plan)

    assert found.verdict is Verdict.KEPT
    assert "at most 94% (warning for machine)" in found.promises


@pytest.mark.parametrize(
    ("least", "most", "verdict"),
    [
        (0.06, 0.20, Verdict.BROKEN),
        (0.05, 0.20, Verdict.UNDECIDABLE),
        (0.00, 0.05, Verdict.KEPT),
        (None, None, Verdict.BROKEN),
    ],
)
def test_an_estimate_is_judged_by_what_is_certain(
    least: float | None, most: float | None, verdict: Verdict
) -> None:
    assert statements(least, most, beyond=True).verdict is verdict


def test_an_estimate_within_its_limit_may_still_be_undecidable() -> None:
    found = statements(0.01, 0.20, beyond=False)

    assert found.verdict is Verdict.UNDECIDABLE
    assert found.why.startswith("an estimate")


def test_what_nothing_lets_judge_is_undecidable() -> None:
    answers: Answers = {
        (Kind.VALUE, ""): (minutes(ORDERS, 0, 60, 9.0),),
        (Kind.GUARD, ""): (),
        (Kind.BEYOND, "0"): (),
    }

    found = line(PLAN, kpi_of("db_query_p95"), answers, LOOK)

    assert found.verdict is Verdict.UNDECIDABLE
    assert found.why.startswith("too little happens")


def test_few_requests_that_nobody_misses_keep_the_promise_of_many() -> None:
    shop = {"job": "j", "instance": "i", "application": "default"}
    answers: Answers = {
        (Kind.VALUE, ""): (minutes(shop, 0, 60, 3.0),),
        (Kind.GUARD, ""): (),
        (Kind.BEYOND, "0"): (),
    }

    found = line(PLAN, kpi_of("api_throughput"), answers, LOOK)

    assert found.verdict is Verdict.KEPT


def test_what_is_refused_or_empty_has_no_data_and_says_why() -> None:
    refused: Answers = {(Kind.VALUE, ""): Refusal("no whole answer within 10 s")}
    half: Answers = {
        (Kind.VALUE, ""): (minutes(HOST, 0, 60),),
        (Kind.BEYOND, "0"): Refusal("the answer was 503"),
    }
    empty: Answers = {(Kind.VALUE, ""): ()}

    found = [line(PLAN, kpi_of("cpu_used"), a, LOOK) for a in (refused, half, empty)]

    assert {each.verdict for each in found} == {Verdict.NO_DATA}
    reasons = [each.why for each in found]
    assert reasons == ["no whole answer within 10 s", "the answer was 503", EMPTY]


def test_without_a_limit_it_is_shown() -> None:
    plan = Plan(catalogue(), Profile.STELLAR_LOGIC)
    answers: Answers = {(Kind.VALUE, ""): (minutes(HOST, 0, 60),)}

    found = line(plan, kpi_of("cpu_pressure"), answers, LOOK)

    assert (found.verdict, found.promises) == (Verdict.SHOWN, ())


def test_where_more_is_better_the_worst_is_the_least() -> None:
    labels = {"job": "j", "instance": "i", "target": "cache"}
    points = ((0.0, 0.9), (60.0, 0.6), (120.0, 0.95))
    answers: Answers = {(Kind.VALUE, ""): (Series(labels, points),)}

    (row,) = line(PLAN, kpi_of("redis_hit_rate"), answers, LOOK).rows

    assert (row.value, row.worst) == (0.95, 0.6)


def test_the_worst_row_stands_first_and_gives_the_verdict() -> None:
    calm, busy = HOST, {**HOST, "target": "busy"}
    answers: Answers = {
        (Kind.VALUE, ""): (minutes(calm, 0, 60, 0.2), minutes(busy, 0, 60, 0.8)),
        (Kind.BEYOND, "0"): (minutes(busy, 0, 60),),
        (Kind.BEYOND, "1"): (),
    }

    found = line(PLAN, kpi_of("cpu_used"), answers, LOOK)

    assert [row.labels["target"] for row in found.rows] == ["busy", "machine"]
    assert [row.verdict for row in found.rows] == [Verdict.BROKEN, Verdict.KEPT]


@pytest.mark.parametrize(
    ("bad", "left"), [(0.0, 1.0), (0.01, 0.8), (0.05, 0.0), (0.1, -1.0)]
)
def test_the_budget_left_is_what_a_month_allows_less_what_was_bad(
    bad: float, left: float
) -> None:
    answers: Answers = {
        (Kind.VALUE, ""): (minutes(ORDERS, 0, 60, 0.05),),
        (Kind.GUARD, ""): (minutes(ORDERS, 0, 60),),
        (Kind.BEYOND, "0"): (),
        (Kind.BUDGET, "0"): (Series(ORDERS, ((3600.0, bad),)),),
    }

    (row,) = line(PLAN, kpi_of("db_query_p95"), answers, LOOK).rows

    assert row.budget == pytest.approx(left)


def test_what_is_there_no_more_says_since_when() -> None:
    answers: Answers = {(Kind.VALUE, ""): (minutes(HOST, 0, 20, 0.5),)}
    answers |= {(Kind.BEYOND, "0"): (), (Kind.BEYOND, "1"): ()}

    (row,) = line(PLAN, kpi_of("cpu_used"), answers, LOOK).rows

    assert row.gone == 1200.0
    assert cpu().rows[0].gone is None


def test_the_longest_run_is_found() -> None:
    points = [(60.0 * at, 1.0) for at in (0, 1, 2, 7, 8, 9, 10, 20)]

    assert longest(points, LOOK) == Run(180.0, 600.0, current=False)
    assert longest([], LOOK) is None


def test_the_status_is_that_of_a_gate() -> None:
    kept, shown = cpu(), Line(kpi_of("cpu_used"), "Host", Verdict.SHOWN)
    broken = cpu(minutes(HOST, 0, 60))
    target = broken._replace(severity=Severity.INFO)
    empty = Line(kpi_of("cpu_used"), "Host", Verdict.NO_DATA, why="down")

    def status(*lines: Line, unanswered: tuple[str, ...] = ()) -> int:
        source = Source("here", 3600.0, 3600.0, 60.0)
        return Report("p", source, lines, unanswered=unanswered).status

    assert status(kept, shown, empty) == 0
    assert status(kept, broken) == 1
    assert status(kept, target) == 0
    assert status(shown, empty) == 2
    assert status(kept, unanswered=("timeout",)) == 2
    assert status(broken, unanswered=("timeout",)) == 1
