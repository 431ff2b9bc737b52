"""Evidence as lines, the sections made of them, and the platforms' advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.loader import catalogue
from exporter.report.causes import causes
from exporter.report.model import Line, Refusal, Row, Series, Verdict
from exporter.report.sections import ADVICE, HEADINGS, advice, sections

if TYPE_CHECKING:
    from exporter.catalogue.model import Kpi


def kpi_of(name: str) -> Kpi:
    return next(k for s in catalogue() for k in s.kpis if k.id == name)


def line(name: str, *values: float, limit: float | None = None) -> Line:
    kpi = kpi_of(name)
    rows = (
        Row(
            {"target": "cache", "application": "shop"},
            value=values[-1],
            worst=max(values) if kpi.better == "lower" else min(values),
            verdict=Verdict.KEPT if limit else Verdict.SHOWN,
            limit=limit,
            points=tuple((60.0 * n, value) for n, value in enumerate(values)),
        ),
    )
    return Line(kpi, "Subject", rows[0].verdict, rows=rows)


def test_a_cause_is_written_by_the_catalogues_own_template() -> None:
    found = causes(
        kpi_of("pg_statement_mean"),
        (
            Series({"target": "a", "queryid": "7", "query": "{{ .Value }}"}, ((0, 2),)),
            Series({"target": "a", "queryid": "8", "query": "s"}, ((0, 0.25),)),
            Series({"target": "b", "queryid": "9", "query": "t"}, ((0, 90),)),
            Series({"target": "c", "queryid": "10", "query": "u"}, ((0, 0),)),
        ),
    )

    assert found == {
        "b": ("9 takes 1m 30s: t",),
        "a": ("7 takes 2s: {{ .Value }}", "8 takes 250ms: s"),
    }


def test_what_is_refused_names_no_cause() -> None:
    assert causes(kpi_of("cpu_used"), Refusal("down")) == {}


def test_every_template_of_the_catalogue_is_filled() -> None:
    for kpi in (kpi for subject in catalogue() for kpi in subject.kpis):
        labels = {"target": "t", "application": "t", "instance": "t"}
        for lines in causes(kpi, (Series(labels, ((0, 1),)),)).values():
            assert "{{" not in lines[0]


def test_headings_and_advice_name_kpis_that_there_are() -> None:
    known = {kpi.id for subject in catalogue() for kpi in subject.kpis}

    assert {rule.kpi for rule in ADVICE} <= known
    assert {name for heading in HEADINGS for name in heading.kpis} <= known


def test_a_section_has_its_evidence_or_says_why_not() -> None:
    found = sections(
        [
            line("pg_statement_mean", 0.1),
            Line(kpi_of("pg_plan_regressed"), "P", Verdict.NO_DATA, why="no target"),
        ],
        {"pg_statement_mean": {"orders": ("7 takes 2s: select",)}},
        {},
    )

    top, indexes, plans = found
    assert top.findings == ("orders: Slowest statement on average: 7 takes 2s: select",)
    assert (indexes.findings, indexes.why) == ((), "nothing is to be said")
    assert (plans.findings, plans.why) == ((), "no target")


def test_a_section_that_nobody_answered_for_does_not_say_that_all_is_well() -> None:
    refused = {"pg_statement_mean": "down", "redis_busy": "down"}

    top, indexes, _ = sections([line("pg_statement_mean", 0.1)], {}, refused)

    assert (top.findings, top.why) == ((), "not answered: down")
    assert indexes.why == "nothing is to be said"


@pytest.mark.parametrize(
    ("name", "values", "limit", "given"),
    [
        ("redis_hit_rate", (0.7, 0.75), None, True),  # the limit of who advises it
        ("redis_hit_rate", (0.85, 0.9), None, False),
        ("redis_hit_rate", (0.7, 0.75), 0.6, False),  # our own limit comes first
        ("cpu_used", (0.8, 0.9), 0.7, True),
        ("cpu_used", (0.1, 0.9, 0.1), 0.7, False),  # a peak is no reason to scale
        ("pg_statement_mean", (0.06,), 0.05, True),
        ("db_query_p95", (9.0,), 0.1, False),  # nothing is advised about it
    ],
)
def test_advice_is_given_beyond_its_limit(
    name: str, values: tuple[float, ...], limit: float | None, *, given: bool
) -> None:
    found = list(advice([line(name, *values, limit=limit)], {}))

    assert bool(found) is given


def test_advice_comes_with_its_evidence_and_the_runbook() -> None:
    named = {"redis_hit_rate": {"cache": ("sessions miss most",)}}

    (found,) = advice([line("redis_hit_rate", 0.7, 0.5)], named)

    assert found.title == "Raise the TTL of what changes rarely"
    assert found.who == "cache"
    figure, cause = found.evidence
    assert figure.startswith("cache: Hit rate of the server: ")
    assert figure.endswith("50% now, 50% at worst, the limit is 80%")
    assert cause == "sessions miss most"
    assert "a TTL that is too short" in found.how
