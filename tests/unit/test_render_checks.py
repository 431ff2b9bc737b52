"""The checks of pint over what is rendered, and each check over a rule that is bad."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.render.needs import rule_list
from tests.plans import NAMES, plan
from tests.rules import checks
from tests.rules.known import SCRAPED, Known, known

KNOWN = Known(
    {
        "x": SCRAPED | {"target"},
        "y": SCRAPED | {"target", "color"},
        "x_total": SCRAPED | {"target"},
        "target:x:count": SCRAPED | {"target"},
    },
    frozenset({"x_total"}),
)
LABELS = {"severity": "warning", "kpi": "x"}
TEXTS = {
    "summary": "{{ $value | humanize }} on {{ $labels.target }}",
    "description": "it is so",
    "runbook_url": "http://x/runbooks/x",
}


def alert(expression: str = "x > 1", **more: Any) -> dict[str, Any]:
    labels = {**LABELS, **more.get("labels", {})}
    texts = {**TEXTS, **more.get("annotations", {})}
    rest = {"for": more.get("hold", "60s")}
    return {
        "alert": "X",
        "expr": expression,
        "labels": labels,
        "annotations": texts,
        **rest,
    }


def record(expression: str, name: str = "target:x:count") -> dict[str, Any]:
    return {"record": name, "expr": expression}


@pytest.mark.parametrize("name", NAMES)
def test_no_check_has_anything_to_say_about_a_rule(name: str) -> None:
    assert checks.problems(rule_list(plan(name)), known(name)) == []


def test_what_is_known_covers_all_sources_applications_and_ourselves() -> None:
    there = known("overrides")

    assert there.labels["pg_up"] == SCRAPED | {"target"}
    assert there.labels["node_cpu_seconds_total"] == SCRAPED | {"target", "cpu", "mode"}
    assert there.labels["shop_requests_total"] >= {"job", "path", "status"}
    assert there.labels["kpi_exporter_build_info"] == SCRAPED | {"version"}
    assert {"node_cpu_seconds_total", "pg_stat_database_deadlocks"} <= there.counters
    assert "redis_memory_used_bytes" not in there.counters


@pytest.mark.parametrize("rule", [alert(), record('x{target!=""} > 0')])
def test_a_good_rule_passes(rule: dict[str, Any]) -> None:
    assert checks.problems([rule], KNOWN) == []


@pytest.mark.parametrize(
    ("check", "rule", "problem"),
    [
        (
            "alerts_comparison",
            alert("x"),
            "fires whenever its series is there: it compares nothing",
        ),
        (
            "alerts_comparison",
            alert("x > bool 1"),
            "fires whenever its series is there: it compares nothing",
        ),
        (
            "alerts_comparison",
            alert("x > 1 or y"),
            "fires whenever its series is there: it compares nothing",
        ),
        (
            "alerts_template",
            alert(labels={"seen": "{{ $value }}"}),
            "the label seen changes with the value",
        ),
        (
            "alerts_template",
            alert("sum by (job) (x) > 1"),
            "summary shows the label target, which is not there",
        ),
        (
            "alerts_template",
            alert(annotations={"summary": "{{ $value }}"}),
            "summary shows a value as it is",
        ),
        (
            "alerts_template",
            alert(annotations={"evidence": "{{ range query .x }}{{ end }}"}),
            "evidence asks in a form that nobody checks",
        ),
        (
            "alerts_template",
            alert(
                annotations={"evidence": "{{ range printf `sum(x{a=%q}` . | query }}"}
            ),
            "evidence asks what is no PromQL: unclosed left parenthesis",
        ),
        (
            "alerts_template",
            alert(
                annotations={
                    "evidence": "{{ range printf `x` | query }}{{ .Labels.q }}"
                }
            ),
            "evidence shows the label q, which is not there",
        ),
        (
            "alerts_annotation",
            alert(annotations={"runbook_url": ""}),
            "has no runbook_url",
        ),
        ("alerts_for", alert(hold="0s"), "waits for '0s'"),
        ("alerts_for", alert(hold="5 minutes"), "waits for '5 minutes'"),
        ("promql_counter", record("x_total"), "takes the counter x_total as it is"),
        ("promql_rate", record("rate(x[5m])"), "rate of x, which is no counter"),
        ("promql_rate", record("deriv(x_total[5m])"), "deriv of the counter x_total"),
        (
            "promql_rate",
            record("rate(x_total[1m])"),
            "rate of x_total over less than two slow scrapes",
        ),
        ("promql_series", record("z"), "nobody gives z"),
        (
            "promql_fragile",
            alert("topk(3, x) > 1"),
            "topk changes its labels from one evaluation to the next",
        ),
        (
            "promql_regexp",
            record('x{target=~"a"}'),
            "target=~'a' needs no regular expression",
        ),
        (
            "promql_regexp",
            record('x{target=~".+"}'),
            "target=~'.+' is written simpler without",
        ),
        (
            "promql_regexp",
            record('x{target=~"^a.*"}'),
            "target=~'^a.*' is written simpler without",
        ),
        ("promql_impossible", record('x{color="red"}'), "x has no label color"),
        ("promql_impossible", record("sum by (color) (x)"), "x has no label color"),
        (
            "promql_impossible",
            record("y * on (color) group_left () x"),
            "x has no label color",
        ),
        (
            "promql_impossible",
            record('y{color="red", color="blue"}'),
            "y cannot have color twice",
        ),
        (
            "promql_impossible",
            record('y{color="red", color!="red"}'),
            "y cannot have color and not have it",
        ),
        ("promql_vector_matching", record("x / y"), "two sides of / differ in color"),
        (
            "promql_vector_matching",
            record("y unless x"),
            "two sides of unless differ in color",
        ),
        ("promql_aggregate", record("sum by (job) (x)"), "loses the label instance"),
        ("rule_name", record("x", "x_sum"), "is not named level:metric:operations"),
        ("rule_label", alert(labels={"severity": "page"}), "has the severity 'page'"),
        ("rule_label", alert(labels={"kpi": ""}), "has no label kpi"),
    ],
)
def test_a_check_finds_what_it_is_for(
    check: str, rule: dict[str, Any], problem: str
) -> None:
    (finds,) = (each for each in checks.CHECKS if each.__name__ == check)

    assert [*finds(rule, KNOWN)] == [problem]


def test_every_check_is_tried_on_a_bad_rule() -> None:
    tried = {
        mark.args[1][n][0]
        for mark in test_a_check_finds_what_it_is_for.pytestmark
        for n in range(len(mark.args[1]))
    }

    assert {each.__name__ for each in checks.CHECKS} == tried


def test_two_rules_of_one_name_and_the_same_labels_are_found() -> None:
    assert checks.rule_duplicate([alert(), alert("x > 2")]) == ["X is there 2 times"]


def test_a_rule_that_reads_what_another_kpi_records_is_found() -> None:
    other = alert("target:y:count > 1")
    rules = [record("y", "target:y:count"), other]

    assert checks.rule_dependency(rules) == ["X reads target:y:count"]
