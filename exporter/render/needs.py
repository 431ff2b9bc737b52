"""Plan → which series with which labels every rule and every panel needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.render import always, burn, dashboards, rules
from exporter.render.overview import overview
from exporter.render.promql import Use, uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan

_QUERY = re.compile(r"printf `([^`]*)`")
_SHOWN = re.compile(r"\.Labels\.(\w+)")
_NOTHING: frozenset[str] = frozenset()


class Need(NamedTuple):
    """A series that a rule or a panel reads; `kpi` is "" where it is for all KPIs."""

    kpi: str
    user: str
    use: Use


def needs(plan: Plan) -> list[Need]:
    """List everything that the rules and dashboards of a plan read."""
    kpis = {kpi.id: kpi for subject in plan.subjects for kpi in subject.kpis}
    return [
        *(n for rule in rule_list(plan) for n in _of_rule(plan, kpis, rule)),
        *(n for board in boards(plan).values() for n in _of_board(kpis, board)),
    ]


def rule_list(plan: Plan) -> list[dict[str, Any]]:
    """Return all rules of a plan."""
    groups = [
        group for subject in plan.subjects for group in rules.groups(plan, subject)
    ]
    groups += [g for subject in plan.subjects for g in burn.group(plan, subject)]
    return [
        rule for group in (*groups, *always.groups(plan)) for rule in group["rules"]
    ]


def boards(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return all dashboards of a plan by the name of their file."""
    made = {s.subject: dashboards.of_subject(plan, s) for s in plan.subjects}
    return {**made, "overview": overview(plan)}


def kpi_of(rule: dict[str, Any]) -> str:
    """Return the id of the KPI that a rule belongs to."""
    record: str = rule.get("record", "kpi:")
    if not record.startswith("kpi:"):
        return record.split(":")[1]
    kpi: str = rule["labels"]["kpi"]
    return kpi


def template_queries(text: str) -> list[str]:
    """Return the PromQL inside an annotation, with a name for what is put in."""
    return [query.replace("%q", '"a"') for query in _QUERY.findall(text)]


def panel_query(expression: str) -> str:
    """Put an interval in place of Grafana's variable, so that it is PromQL."""
    return expression.replace("$__rate_interval", "5m")


def _of_rule(plan: Plan, kpis: dict[str, Kpi], rule: dict[str, Any]) -> Iterator[Need]:
    kpi = kpi_of(rule)
    user = f"rule {rule.get('record') or rule['alert']}"
    given = {*rule.get("labels", ()), *plan.labels}
    wanted = _result(kpis.get(kpi), rule) - given
    for use in uses(rule["expr"], wanted):
        yield Need(kpi, user, use)
    for text in rule.get("annotations", {}).values():
        for query in template_queries(text):
            for use in uses(query, frozenset(_SHOWN.findall(text))):
                yield Need(kpi, user, use)


def _result(kpi: Kpi | None, rule: dict[str, Any]) -> frozenset[str]:
    """Return the labels that a rule's result must have."""
    if kpi is None:
        return _NOTHING
    if rule.get("record", "").endswith(":evidence") and kpi.evidence:
        return frozenset((*_SHOWN.findall(kpi.evidence.line), rules.who_label(kpi)))
    return frozenset(rules.labels_of(kpi))


def _of_board(kpis: dict[str, Kpi], board: dict[str, Any]) -> Iterator[Need]:
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            shown = frozenset(
                re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"])
            )
            for use in uses(panel_query(target["expr"]), shown):
                user = f"panel {board['title']}: {panel['title']}"
                yield Need(_recorded_for(kpis, use.name), user, use)


def _recorded_for(kpis: dict[str, Kpi], name: str) -> str:
    parts = name.split(":")
    return parts[1] if len(parts) > 1 and parts[1] in kpis else ""
