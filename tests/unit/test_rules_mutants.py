"""The mutation check of the rules: what is changed, tried, left out, and counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import promql_parser
import yaml

from tests.rules.mutants import changes, mutants
from tests.rules.mutate import EQUAL, KILLED, SURVIVES, differing, names, table
from tests.rules.slices import slices
from tests.source import ROOT

RECORD = {
    "record": "target:x:count",
    "expr": "sum by (job, target) (rate(x_total[5m])) / (y > 0.5)",
}
ALERT = {
    "alert": "X",
    "expr": "target:x:count > 4 and on (job, target) target:x:judged",
    "for": "300s",
    "labels": {"severity": "warning", "kpi": "x"},
}


def said(rule: dict[str, Any]) -> list[str]:
    return [change.what for change in changes(rule)]


def test_a_recording_is_changed_in_each_figure_comparison_and_label() -> None:
    assert said(RECORD) == [
        "> 0.5 → > 0.45",
        "> 0.5 → > 0.55",
        "> 0.5 → >= 0.5",
        "> 0.5 → < 0.5",
        "by without job",
        "by without target",
    ]
    assert [change.rule["expr"] for change in changes(RECORD)][-1] == (
        "sum by (job) (rate(x_total[5m])) / (y > 0.5)"
    )


def test_an_alert_is_changed_in_its_guard_wait_and_severity_as_well() -> None:
    assert said(ALERT) == [
        "> 4 → > 3.6",
        "> 4 → > 4.4",
        "> 4 → >= 4",
        "> 4 → < 4",
        "no guard",
        "for 300s → 180s",
        "for 300s → 420s",
        "severity info",
    ]


def test_what_is_compared_is_changed_in_its_limit() -> None:
    labels = {"severity": "critical", "kpi": "x"}
    rule = {
        "record": "kpi:limit:current",
        "expr": "a:x:count * 0 + 4 and on (job) a:x:judged",
    }
    used = {
        "record": "kpi:limit_used:ratio",
        "expr": "0.8 / clamp_min(a:x:ratio, 0.0008)",
    }
    nought = {"record": "kpi:limit_used:ratio", "expr": "(a:x:count > bool 0) * 2"}
    made = [said({**each, "labels": labels}) for each in (rule, used, nought)]
    assert made == [
        ["no guard", "4 → 3.6", "4 → 4.4"],
        ["0.8 → 0.72", "0.8 → 0.88", "0.0008 → 0.00072", "0.0008 → 0.00088"],
        [
            "> bool 0 → > bool 0",
            "> bool 0 → > bool 0",
            "> bool 0 → >= bool 0",
            "> bool 0 → < bool 0",
            "2 → 1.8",
            "2 → 2.2",
        ],
    ]


def test_ten_percent_of_nothing_cannot_differ() -> None:
    rule = {**ALERT, "expr": "target:x:count > 0"}
    equal = [change.what for change in changes(rule) if change.equal]
    assert equal == ["> 0 → > 0", "> 0 → > 0"]


def test_every_change_of_a_rule_is_promql_and_only_that_rule_is_changed() -> None:
    for path in sorted((ROOT / "rules").glob("*.yaml")):
        groups = yaml.safe_load(path.read_text())
        made = [mutant for mutant in mutants(groups) if not mutant.equal]
        assert len(made) >= len(groups["groups"][0]["rules"]) / 2
        for mutant in made:
            before = [r for group in groups["groups"] for r in group["rules"]]
            after = [r for group in mutant.groups["groups"] for r in group["rules"]]
            (changed,) = (a for a, b in zip(after, before, strict=True) if a != b)
            promql_parser.parse(changed["expr"])


def test_only_what_differs_is_tried_when_asked_so() -> None:
    rules = {
        "groups": [{"name": "x", "rules": [RECORD, {**ALERT, "labels": {"kpi": "z"}}]}]
    }
    tests = {"tests": [{"name": "X a"}, {"name": "Z a"}]}
    before = slices(yaml.safe_dump(rules), yaml.safe_dump(tests))
    tests["tests"][1]["interval"] = "1m"
    now = slices(yaml.safe_dump(rules), yaml.safe_dump(tests))
    assert [part.name for part in now] == ["x", "z"]
    assert [part.name for part in differing(now, before)] == ["z"]


def test_a_test_names_what_it_looks_at() -> None:
    test = {
        "alert_rule_test": [{"alertname": "CpuUsed"}],
        "promql_expr_test": [{"expr": "target:cpu_used:ratio > 0"}],
    }
    assert names(test) == "CpuUsed target:cpu_used:ratio > 0"


def test_the_score_counts_what_can_differ() -> None:
    scores = {
        "host": Counter({KILLED: 3, EQUAL: 2}),
        "redis": Counter({SURVIVES: 1}),
    }
    assert table(scores).splitlines() == [
        "rules                killed        survive  cannot differ",
        "host                      3              0              2",
        "redis                     0              1              0",
        "all                       3              1              2",
        "75.0% of 4 mutants that can differ are killed",
    ]
