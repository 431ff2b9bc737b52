"""The rules of dashboards over all that are rendered, and each over one that is bad."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue.profiles import Profile
from exporter.render.grafana import Head, dashboard, query, row, stacked, timeseries
from exporter.render.needs import boards
from tests.plans import NAMES, plan
from tests.rules.boards import LAYOUT, LINTER, problems, queries, shown
from tests.unit.board_mistakes import MISTAKES, SERIES

if TYPE_CHECKING:
    from collections.abc import Callable

    Board = dict[str, Any]

BOARDS = sorted(boards(plan(NAMES[0])))


def good() -> Board:
    """Make a small dashboard that no rule has anything to say about."""
    panels = [timeseries((title, "Look here."), "s") for title in ("One", "Two")]
    for panel in panels:
        panel["targets"] = [query(SERIES)]
    head = Head("kpi-x", "KPI / X", {"job": "x:y:z", "instance": "x:y:z"})
    return dashboard(head, stacked([(1, [row("Is it well?")]), (8, panels)]))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", NAMES)
def test_no_rule_has_anything_to_say_about_a_dashboard(name: str, board: str) -> None:
    assert problems(boards(plan(name))[board]) == []


def test_a_good_dashboard_passes() -> None:
    assert problems(good()) == []


def change(path: str, value: object) -> Callable[[Board], None]:
    """Make a change of what stands under a dotted path."""

    def apply(board: Board) -> None:
        *way, last = (int(p) if p.isdigit() else p for p in path.split("."))
        at: Any = board
        for part in way:
            at = at[part]
        at[last] = value

    return apply


@pytest.mark.parametrize(("rule", "path", "value", "expected"), MISTAKES)
def test_a_rule_finds_what_it_is_for(
    rule: str, path: str, value: object, expected: list[str]
) -> None:
    board = json.loads(json.dumps(good()))
    change(path, value)(board)
    (finds,) = (each for each in (*LINTER, *LAYOUT) if each.__name__ == rule)

    assert [*finds(board)] == expected


def test_there_are_seventeen_rules_and_each_is_tried_on_a_bad_dashboard() -> None:
    assert len(LINTER) == 17
    assert {each.__name__ for each in (*LINTER, *LAYOUT)} == {m[0] for m in MISTAKES}


def test_a_question_asked_twice_and_a_panel_above_all_rows_are_found() -> None:
    board = good()
    board["panels"] = [board["panels"][1], board["panels"][0], *board["panels"]]

    (finds,) = (each for each in LAYOUT if each.__name__ == "questions")

    assert [*finds(board)] == [
        "One answers no question",
        "Is it well? is asked twice",
    ]


@pytest.mark.parametrize("profile", Profile)
def test_every_kpi_is_drawn_on_the_page_of_its_subject(profile: Profile) -> None:
    made = plan(str(profile))
    for subject in made.subjects:
        asked = " ".join(q for _, q in queries(boards(made)[subject.subject]))
        drawn = {*re.findall(r"[\w]+:(\w+):\w+\{", asked)}

        assert {kpi.id for kpi in subject.kpis} <= drawn


def test_names_and_titles_are_those_of_one_dashboard_each() -> None:
    made = boards(plan(NAMES[0])).values()

    assert len({board["uid"] for board in made}) == len(made)
    assert len({board["title"] for board in made}) == len(made)


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_for_everybody_is_a_line_in_the_color_of_its_severity(
    name: str,
) -> None:
    made = plan(name)
    titled = {
        panel["title"]: panel
        for board in boards(made).values()
        for panel in shown(board)
    }
    kpis = [kpi for s in made.subjects for kpi in s.kpis if not kpi.panel.together]
    for kpi in kpis:
        if kpi.panel.kind == "states":
            continue
        panel = titled[kpi.title]
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        given = {p.alert.limit for p in made.promises(kpi) if p.target is None}

        assert {step["value"] for step in steps} == {None, *given}
        assert steps[0 if kpi.better == "lower" else -1]["color"] == "green"


def test_limits_of_single_targets_are_drawn_as_series() -> None:
    board = boards(plan("overrides"))["redis"]

    found = {
        panel["title"]: panel["targets"][-1]
        for panel in shown(board)
        if len(panel["targets"]) > 1
    }

    assert found["Memory against its limit"]["expr"] == (
        "max by (kpi, severity, target) (kpi:limit:current"
        '{kpi=~"redis_memory_used", job=~"$job", instance=~"$instance", '
        'target=~"$target"})'
    )
    assert found["Memory against its limit"]["legendFormat"].startswith("limit ")


def test_what_breaks_is_drawn_into_the_graphs_of_its_page() -> None:
    board = boards(plan(NAMES[0]))["redis"]
    mine, others = board["annotations"]["list"]

    assert (mine["enable"], others["enable"]) == (True, False)
    assert 'alertstate="firing", kpi=~"redis_rejected_connections|' in mine["expr"]
    assert 'alertstate="firing", kpi!=""' in others["expr"]


def test_every_panel_of_a_promise_links_its_runbooks_and_says_what_to_do() -> None:
    made = plan(NAMES[0])
    runbooks = {
        f"{made.links.runbooks}/{kpi.id}": kpi for s in made.subjects for kpi in s.kpis
    }
    linked: set[str] = set()
    for board in boards(made).values():
        for panel in shown(board):
            for link in panel.get("links", ()):
                advice = " ".join(runbooks[link["url"]].runbook.split())
                linked.add(link["url"])
                assert advice in panel["description"]

    assert linked == {*runbooks}
