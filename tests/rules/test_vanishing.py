"""No alert is silenced by its series' end without another one that fires.

An alert over series that are gone is silent. So for each alert of each profile, and for
each way in which what it reads can end, a promtool test lets it end and wants an alert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.render import always, rules
from exporter.render.files import dump
from tests.plans import NAMES
from tests.rules.promtool import failures
from tests.rules.slices import kpi_of
from tests.rules.vanishing import cases, vanishing

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.render.rule_tests import Case

PROFILES = [name for name in NAMES if name != "overrides"]
CASES = {n: c for n, c in cases(PROFILES).items() if c.kpi.scope != "exporter"}
GUARDIANS = ("target_down", "collector_failing", "exporter_down", "application_down")


def judged(case: Case) -> str:
    """Return the rules of an alert and of those that fire when its series end."""
    mine = {case.kpi.id, *GUARDIANS}
    groups = [
        {
            "name": subject.subject,
            "rules": [r for r in group["rules"] if kpi_of(r) in mine],
        }
        for subject in case.plan.subjects
        for group in rules.groups(case.plan, subject)
    ]
    some = [group for group in groups if group["rules"]]
    return dump({"groups": [*some, *always.groups(case.plan)]})


def test_an_alert_whose_series_end_is_followed_by_another(tmp_path: Path) -> None:
    paths = []
    for number, case in enumerate(CASES.values()):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (folder / "rules.yaml").write_text(judged(case))
        tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m"}
        (folder / "tests.yaml").write_text(dump({**tests, "tests": [vanishing(case)]}))
        paths.append(folder / "tests.yaml")

    found = failures(paths)

    assert len(paths) > 50
    assert not found, found


@pytest.mark.parametrize(
    ("alert", "series"),
    [
        ("ExporterDown", 'kpi_exporter_build_info{job="j", instance="i", version="1"}'),
        ("ApplicationDown", 'http_requests_total{job="j", instance="i", status="200"}'),
    ],
)
def test_what_is_down_is_not_forgotten_in_the_third_hour(
    tmp_path: Path, alert: str, series: str
) -> None:
    case = next(iter(CASES.values()))
    (tmp_path / "rules.yaml").write_text(judged(case))
    firing = f'group(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    there = [{"labels": "{}", "value": 1}]
    test = {
        "interval": "1m",
        "input_series": [
            {"series": series, "values": "1x5 stale"},
            {"series": 'up{job="j", instance="i"}', "values": "1x5 0x180"},
        ],
        "promql_expr_test": [
            {"expr": firing, "eval_time": "5m", "exp_samples": []},
            {"expr": firing, "eval_time": "180m", "exp_samples": there},
        ],
    }
    (tmp_path / "tests.yaml").write_text(
        dump({"rule_files": ["rules.yaml"], "tests": [test]})
    )

    found = failures([tmp_path / "tests.yaml"])

    assert not found, found
