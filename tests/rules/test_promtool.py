"""promtool on the rules of every profile and of a configuration with all options.

The default profile's committed files run as they are. Of the others only those KPIs run
whose rules or tests differ, cut out of their files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plans import NAMES, OTHERS, rendered
from tests.rules.promtool import failures, promtool
from tests.rules.slices import slices
from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rules.slices import Slice

SUBJECTS = sorted(path.stem for path in (ROOT / "rules").glob("*.yaml"))
WITH_KPIS = [name for name in SUBJECTS if name != "always"]


def cut(name: str) -> list[Slice]:
    made = rendered(name)
    return [
        each
        for subject in WITH_KPIS
        for each in slices(
            made[f"rules/{subject}.yaml"], made[f"rules/tests/{subject}.yaml"]
        )
    ]


@pytest.mark.parametrize("name", NAMES)
def test_promtool_finds_nothing_to_say_about_the_rules(
    tmp_path: Path, name: str
) -> None:
    for path, text in rendered(name).items():
        if path.endswith(".yaml") and path.count("/") == 1:
            (tmp_path / path.rsplit("/", 1)[1]).write_text(text)

    works, said = promtool(["check", "rules", *sorted(tmp_path.iterdir())], tmp_path)

    assert works, said


def test_the_committed_tests_of_the_committed_rules_pass() -> None:
    found = failures([ROOT / "rules/tests" / f"{name}.yaml" for name in SUBJECTS])

    assert not found, found


@pytest.mark.parametrize("name", [*OTHERS, "overrides"])
def test_what_differs_from_the_default_profile_passes_its_tests(
    tmp_path: Path, name: str
) -> None:
    proven = {(each.rules, each.test) for each in cut(NAMES[0])}
    paths = []
    for each in cut(name):
        if (each.rules, each.test) not in proven:
            folder = tmp_path / each.name
            folder.mkdir()
            (folder / "rules.yaml").write_text(each.rules)
            (folder / "tests.yaml").write_text(each.test)
            paths.append(folder / "tests.yaml")

    found = failures(paths)

    assert len(paths) > 0
    assert not found, found


def test_no_rule_and_no_test_is_lost_by_cutting() -> None:
    made = rendered(NAMES[0])
    lines = "".join(made[f"rules/{name}.yaml"] for name in WITH_KPIS).splitlines()
    tests = "".join(made[f"rules/tests/{name}.yaml"] for name in WITH_KPIS)

    whole = cut(NAMES[0])

    assert sum(len(g["rules"]) for each in whole for g in each.groups) == sum(
        line.startswith(("  - record:", "  - alert:")) for line in lines
    )
    assert sum(len(each.tests["tests"]) for each in whole) == tests.count("\n- name:")
