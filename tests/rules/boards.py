"""Grafana's seventeen dashboard rules, and what a reader's eye asks of a page.

Each returns what is wrong in words. The rules have the names of dashboard-linter, and
none is left out for anything that is rendered.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

from exporter.render.needs import panel_query
from exporter.render.promql import Use, uses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Board = dict[str, Any]
    Panel = dict[str, Any]
    Rule = Callable[[Board], Iterator[str]]

SOURCES = {
    "datasource": "Data source",
    "prometheus_datasource": "Prometheus data source",
}
CHOSEN = ("$datasource", "${datasource}")
UNITS = {"s", "percentunit", "bytes", "short", "ops"}
_LABEL_VALUES = re.compile(r"label_values\((?:(?P<series>.+), *)?(?P<label>\w+)\)")
_RANGE = re.compile(r"\b(rate|irate)\((?:[^()]|\([^()]*\))*\[(?P<range>[^\]]+)\]")
_LOGS = re.compile(r"\|[=~]|\| *(json|logfmt|pattern|unwrap)\b")
_WIDTH, _LEAST, _MOST = 24, 4, 16


def shown(board: Board) -> Iterator[Panel]:
    """Yield the panels that show something."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def queries(board: Board) -> Iterator[tuple[str, str]]:
    """Yield the title and the query of every target of every panel."""
    for panel in shown(board):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def selectors(board: Board) -> Iterator[tuple[str, Use]]:
    """Yield the title and each selector of every query that can be read."""
    for title, query in queries(board):
        try:
            found = uses(panel_query(query))
        except ValueError:  # which is a finding of its own
            continue
        yield from ((title, use) for use in found)


def variables(board: Board, kind: str) -> list[dict[str, Any]]:
    """Return the variables of a kind."""
    return [v for v in board["templating"]["list"] if v["type"] == kind]


def template_datasource(board: Board) -> Iterator[str]:
    found = {v["name"]: v.get("label") for v in variables(board, "datasource")}
    if not found.keys() & SOURCES.keys():
        yield "no variable chooses the data source"
    for name, label in found.items():
        if SOURCES.get(name) != label:
            yield f"the variable {name} is labelled {label!r}"


def _template(board: Board, name: str) -> Iterator[str]:
    found = [v for v in variables(board, "query") if v["name"] == name]
    if not found:
        yield f"no variable chooses the {name}"
    for each in found:
        if each["datasource"]["uid"] not in CHOSEN:
            yield f"{name} comes from {each['datasource']['uid']!r}"
        if each.get("label") != name.capitalize():
            yield f"{name} is labelled {each.get('label')!r}"
        if not each.get("multi"):
            yield f"only one {name} can be chosen"
        if each.get("allValue") != ".+":
            yield f"all of {name} is {each.get('allValue')!r}"


def template_job(board: Board) -> Iterator[str]:
    yield from _template(board, "job")


def template_instance(board: Board) -> Iterator[str]:
    yield from _template(board, "instance")


def template_label_promql(board: Board) -> Iterator[str]:
    for each in variables(board, "query"):
        match = _LABEL_VALUES.fullmatch(each["query"])
        try:
            uses(match["series"] or "up" if match else "(")
        except ValueError:
            yield f"{each['name']} asks {each['query']!r}"


def template_on_time_change_reload(board: Board) -> Iterator[str]:
    for each in variables(board, "query"):
        if each.get("refresh") != 2:
            yield f"{each['name']} is not asked again when the time changes"


def panel_datasource(board: Board) -> Iterator[str]:
    for panel in shown(board):
        for each in (panel, *panel["targets"]):
            uid = each.get("datasource", {}).get("uid")
            if uid not in CHOSEN:
                yield f"{panel['title']} reads from {uid!r}"


def panel_title_description(board: Board) -> Iterator[str]:
    for panel in shown(board):
        for key in ("title", "description"):
            if not panel.get(key):
                yield f"panel {panel['id']} has no {key}"


def panel_units(board: Board) -> Iterator[str]:
    for panel in shown(board):
        defaults = panel["fieldConfig"]["defaults"]
        if defaults.get("unit") not in UNITS and not defaults.get("mappings"):
            yield f"{panel['title']} is in {defaults.get('unit')!r}"


def panel_no_targets(board: Board) -> Iterator[str]:
    for panel in shown(board):
        if not panel["targets"]:
            yield f"{panel['title']} asks nothing"


def target_logql(board: Board) -> Iterator[str]:
    """No query is one over logs, so none can be wrong."""
    for title, query in queries(board):
        if _LOGS.search(query):
            yield f"{title} asks for logs"


def target_logql_auto(board: Board) -> Iterator[str]:
    for title, query in queries(board):
        if "$__auto" in query:
            yield f"{title} has a range for logs"


def target_promql(board: Board) -> Iterator[str]:
    for title, query in queries(board):
        try:
            uses(panel_query(query))
        except ValueError as error:
            yield f"{title}: {error}"


def target_rate_interval(board: Board) -> Iterator[str]:
    for title, query in queries(board):
        for match in _RANGE.finditer(query):
            if match["range"] != "$__rate_interval":
                yield f"{title} takes a rate over {match['range']}"


def _target(board: Board, label: str) -> Iterator[str]:
    for title, use in selectors(board):
        if (label, "=~", f"${label}") not in use.matchers:
            yield f"{title}: {use.name} is not selected by {label}"


def target_job(board: Board) -> Iterator[str]:
    yield from _target(board, "job")


def target_instance(board: Board) -> Iterator[str]:
    yield from _target(board, "instance")


def target_counter_agg(board: Board) -> Iterator[str]:
    for title, use in selectors(board):
        counted = use.function in ("rate", "irate", "increase")
        if use.name.endswith("_total") and not counted:
            yield f"{title} takes the counter {use.name} as it is"


def uneditable_dashboard(board: Board) -> Iterator[str]:
    if board.get("editable") is not False:
        yield "can be edited, and the edits would be lost"


LINTER: tuple[Rule, ...] = (
    template_datasource,
    template_job,
    template_instance,
    template_label_promql,
    template_on_time_change_reload,
    panel_datasource,
    panel_title_description,
    panel_units,
    panel_no_targets,
    target_logql,
    target_logql_auto,
    target_promql,
    target_rate_interval,
    target_job,
    target_instance,
    target_counter_agg,
    uneditable_dashboard,
)


def box(panel: Panel) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a panel."""
    place = panel["gridPos"]
    x, y = place["x"], place["y"]
    return x, y, x + place["w"], y + place["h"]


def overlap(board: Board) -> Iterator[str]:
    for one, other in combinations(board["panels"], 2):
        left, top, right, bottom = box(one)
        x, y, x_end, y_end = box(other)
        if left < x_end and x < right and top < y_end and y < bottom:
            yield f"{one['title']} lies over {other['title']}"


def size(board: Board) -> Iterator[str]:
    for panel in board["panels"]:
        left, _, right, _ = box(panel)
        if left < 0 or right > _WIDTH:
            yield f"{panel['title']} goes beyond the page"
    for panel in shown(board):
        if not _LEAST <= panel["gridPos"]["h"] <= _MOST:
            yield f"{panel['title']} is {panel['gridPos']['h']} high"
        if panel["gridPos"]["w"] < _WIDTH // 4:
            yield f"{panel['title']} is {panel['gridPos']['w']} wide"


def gaps(board: Board) -> Iterator[str]:
    """Every line is full, and begins where the one above it ends."""
    lines: dict[int, list[Panel]] = {}
    for panel in board["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel)
    end = 0
    for top, line in lines.items():
        if top != end or len({panel["gridPos"]["h"] for panel in line}) > 1:
            yield f"{line[0]['title']} does not begin below the line above"
        if sum(panel["gridPos"]["w"] for panel in line) != _WIDTH:
            yield f"the line of {line[0]['title']} is not full"
        end = box(line[0])[3]


def questions(board: Board) -> Iterator[str]:
    """Rows ask, each once, and have few answers below them."""
    asked: dict[str, int] = {}
    title = ""
    for panel in board["panels"]:
        if panel["type"] == "row":
            title = panel["title"]
            if title in asked:
                yield f"{title} is asked twice"
            if not title.endswith("?"):
                yield f"{title} is no question"
            asked[title] = 0
        elif not title:
            yield f"{panel['title']} answers no question"
        else:
            asked[title] += 1
    for title, count in asked.items():
        if not 1 <= count <= 8:
            yield f"{title} has {count} answers"


def names(board: Board) -> Iterator[str]:
    numbers = [panel["id"] for panel in board["panels"]]
    if len({*numbers}) < len(numbers):
        yield "two panels have one id"
    titles = [panel["title"] for panel in shown(board)]
    yield from (f"two panels are {t}" for t in {*titles} if titles.count(t) > 1)
    if not re.fullmatch(r"[a-z0-9-]{1,40}", board["uid"]):
        yield f"the uid is {board['uid']!r}"


def references(board: Board) -> Iterator[str]:
    for panel in shown(board):
        letters = [target["refId"] for target in panel["targets"]]
        if len({*letters}) < len(letters):
            yield f"{panel['title']} has two queries of one letter"


LAYOUT: tuple[Rule, ...] = (overlap, size, gaps, questions, names, references)


def problems(board: Board) -> list[str]:
    """Return what any rule says about a dashboard."""
    return [
        f"{rule.__name__}: {problem}"
        for rule in (*LINTER, *LAYOUT)
        for problem in rule(board)
    ]
