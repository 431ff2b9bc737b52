"""promtool tests of what is left out on purpose: too few events, nothing to name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render import rules, whom
from exporter.render.words import alert_name

if TYPE_CHECKING:
    from exporter.catalogue.model import Edge, Subject
    from exporter.catalogue.plan import Plan
    from exporter.render.whom import Whom

_SAFE = 0.05


def tests(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make two tests per edge: there beyond it, not there at it."""
    return [
        _test(who, edge, there=there)
        for kpi in subject.kpis
        for edge in kpi.edges
        for who in whom.everybody(plan, kpi)
        for there in (True, False)
    ]


def _test(who: Whom, edge: Edge, *, there: bool) -> dict[str, Any]:
    at = rules.settled(who.kpi)
    what = "" if edge.of == "value" else edge.of
    beyond = edge.above * (1 + _SAFE) or 1.0
    place = "beyond" if there else "not at"
    return {
        "name": f"{alert_name(who.kpi)} has a {edge.of} {place} {edge.above:.12g}",
        "interval": "1m",
        "input_series": who.series(edge.inputs, beyond if there else edge.above, at),
        "promql_expr_test": [
            {
                "expr": f"count({rules.record_name(who.kpi, what)})",
                "eval_time": f"{int(at)}s",
                "exp_samples": [{"labels": "{}", "value": 1}] if there else [],
            }
        ],
    }
