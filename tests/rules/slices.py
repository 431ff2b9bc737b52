"""Rule files cut into what belongs to one KPI: no rule of another can change it."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from exporter.render.files import dump


class Slice(NamedTuple):
    """The groups of rules and the tests of one KPI."""

    name: str
    groups: list[dict[str, Any]]
    tests: dict[str, Any]

    @property
    def rules(self) -> str:
        """The text of the rule file."""
        return dump({"groups": self.groups})

    @property
    def test(self) -> str:
        """The text of the test file, which finds `rules.yaml` beside it."""
        return self.but(self.tests["tests"])

    def but(self, tests: list[dict[str, Any]]) -> str:
        """Return the text of a test file with no more than these tests."""
        return dump({**self.tests, "rule_files": ["rules.yaml"], "tests": tests})


def slices(rules: str, tests: str) -> list[Slice]:
    """Cut the texts of a rule file and of its tests."""
    groups: list[dict[str, Any]] = loaded(rules)["groups"]
    written: dict[str, Any] = loaded(tests)
    kpis = dict.fromkeys(kpi_of(rule) for group in groups for rule in group["rules"])
    return [
        Slice(kpi, _groups_of(kpi, groups), _tests_of(kpi, written)) for kpi in kpis
    ]


def kpi_of(rule: dict[str, Any]) -> str:
    """Return the id of the KPI that a rule belongs to."""
    name: str = rule.get("record", "kpi:")
    if name.startswith("kpi:"):
        labels: dict[str, str] = rule["labels"]
        return labels["kpi"]
    return name.split(":")[1]


def loaded(text: str) -> Any:
    """Read YAML, with the C parser where there is one: the files are long."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _groups_of(kpi: str, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    cut = [
        {**group, "rules": [r for r in group["rules"] if kpi_of(r) == kpi]}
        for group in groups
    ]
    return [group for group in cut if group["rules"]]


def _tests_of(kpi: str, tests: dict[str, Any]) -> dict[str, Any]:
    alert = "".join(part.capitalize() for part in kpi.split("_"))
    mine = (alert, f"{alert}Burn")
    kept = [test for test in tests["tests"] if test["name"].split(" ")[0] in mine]
    return {**tests, "tests": kept}
