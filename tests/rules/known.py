"""What is known of series before anything runs: types, and labels of any expression."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from exporter.declared import declared
from exporter.metrics import Kind
from exporter.render.needs import rule_list
from tests.plans import plan

if TYPE_CHECKING:
    from promql_parser import Expr

    from exporter.catalogue.plan import Plan

SCRAPED = frozenset({"job", "instance"})
_COUNTERS = ("_total", "_bucket", "_count", "_sum")
_KEEP = ("topk", "bottomk")
_SETS = ("and", "or", "unless")
NUMBER = None
"""The labels of a number, which has none and joins with everything."""


class Known(NamedTuple):
    """The labels of series by name, and which of them are counters."""

    labels: dict[str, frozenset[str]]
    counters: frozenset[str]

    def result(self, expression: str) -> frozenset[str] | None:
        """Return the labels that an expression's result can have; NUMBER for none."""
        return _labels(self, promql_parser.parse(expression))


@cache
def known(name: str) -> Known:
    """Return what is known of the series that a plan's rules read and record."""
    return of_plan(plan(name))


def of_plan(given: Plan) -> Known:
    """Begin with what collectors and applications declare; add what is recorded."""
    series = declared()
    labels = {name: each.labels | SCRAPED for name, each in series.items()}
    for application in given.applications:
        for name, own in application.declared().items():
            labels[name] = labels.get(name, frozenset()) | own | SCRAPED
    labels["up"] = SCRAPED | {name for a in given.applications for name in a.fixed}
    counted = (Kind.COUNTER, Kind.UNTYPED)  # untyped are node_exporter's counters
    counters = {n for n, s in series.items() if s.type in counted}
    counters |= {n for n in labels if n not in series and n.endswith(_COUNTERS)}
    counters |= {n for n, s in series.items() if s.type is Kind.HISTOGRAM}
    found = Known(labels, frozenset(counters))
    for rule in rule_list(given):
        if "record" in rule:
            own = (found.result(rule["expr"]) or frozenset()) | {
                *rule.get("labels", ())
            }
            before = labels.get(rule["record"], own)
            labels[rule["record"]] = before | own
    return found


def _labels(known: Known, node: Expr) -> frozenset[str] | None:
    found = NUMBER
    match node:
        case VectorSelector():
            found = known.labels.get(node.name or "", frozenset())
        case MatrixSelector():
            found = _labels(known, node.vector_selector)
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            found = _labels(known, node.expr)
        case AggregateExpr():
            found = _grouped(known, node)
        case Call():
            found = _called(known, node)
        case BinaryExpr():
            found = _joined(known, node)
    return found


def _grouped(known: Known, node: AggregateExpr) -> frozenset[str]:
    inner = _labels(known, node.expr) or frozenset()
    by = frozenset(node.modifier.labels if node.modifier else ())
    if str(node.op) in _KEEP:
        return inner
    if node.modifier and node.modifier.type == AggModifierType.Without:
        return inner - by
    return inner & by


def _called(known: Known, node: Call) -> frozenset[str] | None:
    inner = [_labels(known, argument) for argument in node.args]
    texts = [a.val for a in node.args if isinstance(a, StringLiteral)]
    result = next((labels for labels in inner if labels is not NUMBER), NUMBER)
    if node.func.name in ("vector", "absent"):
        return frozenset()
    if node.func.name == "label_replace":
        return (result or frozenset()) | {texts[0]}
    if node.func.name == "histogram_quantile":
        return (result or frozenset()) - {"le"}
    return result


def _joined(known: Known, node: BinaryExpr) -> frozenset[str] | None:
    left, right = _labels(known, node.lhs), _labels(known, node.rhs)
    if left is NUMBER or right is NUMBER:
        return right if left is NUMBER else left
    operator = str(node.op)
    if operator in _SETS:
        return left | right if operator == "or" else left
    modifier = node.modifier
    if modifier is None or modifier.matching is None:
        return left & right
    if modifier.group_labels is not None:
        return left | frozenset(modifier.group_labels)
    named = frozenset(modifier.matching.labels)
    if modifier.matching.type == LabelModifierType.Exclude:
        return left - named
    return left & named
