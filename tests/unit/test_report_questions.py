"""What is asked: the catalogue's own expressions, with recordings and without."""

from __future__ import annotations

import re

import promql_parser
import pytest

from exporter.catalogue.applications import Application
from exporter.catalogue.loader import catalogue
from exporter.catalogue.model import Kpi, Severity
from exporter.catalogue.plan import Override, Plan
from exporter.catalogue.profiles import Profile
from exporter.render import rules
from exporter.report import questions
from exporter.report.questions import Asking, Kind, Question

DAY = 86400.0
SHOP = Application("shop", 'job="shop"')
ADMIN = Application('ad"min\\', 'job="admin"', naming="opentelemetry")


def kpis() -> list[Kpi]:
    return [kpi for subject in catalogue() for kpi in subject.kpis]


def recorded(plan: Plan) -> frozenset[str]:
    return frozenset(r["record"] for kpi in kpis() for r in rules.recordings(plan, kpi))


def all_of(asking: Asking, kpi: Kpi) -> list[Question]:
    return [
        questions.value(asking, kpi),
        *questions.judgement(asking, kpi),
        *questions.evidence(asking, kpi),
        *questions.evidence(asking, kpi, whole=True),
    ]


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("with_rules", [True, False])
def test_every_question_is_promql(profile: Profile, *, with_rules: bool) -> None:
    own = {"cpu_used": Override(targets={"local": {Severity.WARNING: 0.9}})}
    plan = Plan(catalogue(), profile, own, applications=(SHOP, ADMIN))
    asking = Asking(plan, recorded(plan) if with_rules else frozenset(), DAY)

    asked = [each for kpi in kpis() for each in all_of(asking, kpi)]

    for each in asked:
        promql_parser.parse(each.expression)
    assert {each.kind for each in asked} == set(Kind)


def test_recordings_are_read_where_there_are_any() -> None:
    plan = Plan(catalogue())
    cpu = next(kpi for kpi in kpis() if kpi.id == "cpu_used")

    asked = questions.value(Asking(plan, recorded(plan), DAY), cpu).expression

    assert asked == "target:cpu_used:ratio"


def test_without_rules_nobody_asks_for_a_recording() -> None:
    plan = Plan(catalogue())

    for kpi in kpis():
        for each in all_of(Asking(plan, seconds=DAY), kpi):
            found = re.sub(r"last_over_time\(\w+:", "", each.expression)  # on purpose
            assert f":{kpi.id}:" not in found, each


def test_the_comparison_is_that_of_the_rule() -> None:
    plan = Plan(catalogue())
    cpu = next(kpi for kpi in kpis() if kpi.id == "cpu_used")
    rule = next(plan.promises(cpu))

    asked = [*questions.judgement(Asking(plan, recorded(plan), DAY), cpu)]

    (first, *_) = [each for each in asked if each.kind is Kind.BEYOND]
    assert first.expression == rules.expression(rule)


def test_percentiles_are_those_of_the_whole_period() -> None:
    plan = Plan(catalogue())
    p95 = next(kpi for kpi in kpis() if kpi.id == "db_query_p95")

    asked = [*questions.judgement(Asking(plan, recorded(plan), DAY), p95)]

    found = {q.about: q.expression for q in asked if q.kind is Kind.QUANTILE}
    assert list(found) == ["p50", "p95", "p99"]
    assert found["p99"].startswith("histogram_quantile(0.99, ")
    assert "[86400s]" in found["p99"]
    assert "[5m]" not in found["p99"]


def test_a_page_is_not_asked_for_what_takes_a_period() -> None:
    asking = Asking(Plan(catalogue()))

    kinds = {q.kind for kpi in kpis() for q in questions.judgement(asking, kpi)}

    assert kinds == {Kind.GUARD, Kind.BEYOND, Kind.CERTAIN, Kind.POSSIBLE}


def test_bounds_are_asked_for_what_is_estimated() -> None:
    asking = Asking(Plan(catalogue()), seconds=DAY)

    bounded = {
        kpi.id
        for kpi in kpis()
        for q in questions.judgement(asking, kpi)
        if q.kind is Kind.CERTAIN
    }

    assert bounded == {"db_query_p95"}
