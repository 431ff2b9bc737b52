"""promtool tests of what is left out on purpose: too few events, nothing to name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.render import rules, whom
from exporter.render.series import braces
from exporter.render.words import alert_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Edge, Subject
    from exporter.catalogue.plan import Plan
    from exporter.render.whom import Whom

_SAFE = 0.05


def tests(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make two tests per edge: there beyond it, not there at it."""
    edges = [(kpi, edge) for kpi in subject.kpis for edge in kpi.edges]
    return [
        test
        for kpi, edge in edges
        for who in whom.everybody(plan, kpi)
        for test in _tests(who, edge)
    ]


def _tests(who: Whom, edge: Edge) -> Iterator[dict[str, Any]]:
    if edge.above is None:
        yield _test(who, edge, "always", 1.0)
        return
    beyond = edge.above * (1 + _SAFE) or 1.0
    yield _test(who, edge, f"beyond {edge.above:.12g}", beyond)
    nothing = _test(who, edge, f"not at {edge.above:.12g}", edge.above)
    nothing["promql_expr_test"][0]["exp_samples"] = []
    yield nothing


def _test(who: Whom, edge: Edge, when: str, value: float) -> dict[str, Any]:
    at = rules.settled(who.kpi)
    what = "" if edge.of == "value" else edge.of
    left_out = who.kpi.by if edge.of == "evidence" else ()
    labels = {name: text for name, text in who.labels.items() if name not in left_out}
    series = rules.record_name(who.kpi, what)
    return {
        "name": f"{alert_name(who.kpi)} has a {edge.of} {when}",
        "interval": "1m",
        "input_series": who.series(edge.inputs, value, at),
        "promql_expr_test": [
            {
                "expr": f"count by ({', '.join(labels)}) ({series})",
                "eval_time": f"{int(at)}s",
                "exp_samples": [{"labels": braces(labels), "value": 1}],
            }
        ],
    }
