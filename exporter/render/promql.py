"""Reads PromQL: which series an expression uses, which labels it needs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promql_parser import Expr

SIGNS = {
    str(MatchOp.Equal): "=",
    str(MatchOp.NotEqual): "!=",
    str(MatchOp.Re): "=~",
    str(MatchOp.NotRe): "!~",
}
_NAME = "__name__"
_KEEP_LABELS = ("topk", "bottomk")
_NONE: frozenset[str] = frozenset()


class Matcher(NamedTuple):
    """What a selector wants of one label."""

    label: str
    sign: str
    value: str


class Use(NamedTuple):
    """A selector in an expression.

    `labels` are those that the expression needs of the series: matched, grouped or
    joined by, or wanted in its result. `function` is what the selector is handed to
    (`""` for none), `seconds` its range (0 for none). `spare` is what stands behind an
    `or`: without it there may still be a result.
    """

    name: str
    matchers: tuple[Matcher, ...]
    labels: frozenset[str]
    function: str = ""
    seconds: float = 0.0
    spare: bool = False


def uses(expression: str, wanted: frozenset[str] = _NONE) -> list[Use]:
    """List an expression's selectors; its result shall have the labels `wanted`.

    Raises ValueError for what is no PromQL.
    """
    return list(_walk(promql_parser.parse(expression), wanted, ""))


def canonical(expression: str) -> str:
    """Write an expression so that equal ones are equal texts; raises ValueError."""
    return str(promql_parser.parse(expression).prettify())


def _walk(node: Expr, wanted: frozenset[str], function: str) -> Iterator[Use]:
    match node:
        case VectorSelector():
            yield from _selector(node, wanted, function, 0.0)
        case MatrixSelector():
            seconds = node.range.total_seconds()
            yield from _selector(node.vector_selector, wanted, function, seconds)
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            yield from _walk(node.expr, wanted, function)
        case AggregateExpr():
            yield from _walk(node.expr, _grouped(node, wanted), str(node.op))
        case Call():
            needed = _called(node, wanted)
            for argument in node.args:
                yield from _walk(argument, needed, node.func.name)
        case BinaryExpr():
            yield from _both(node, wanted)


def _both(node: BinaryExpr, wanted: frozenset[str]) -> Iterator[Use]:
    left, right = _joined(node, wanted)
    spare = str(node.op) == "or"
    yield from _walk(node.lhs, left, "")
    for use in _walk(node.rhs, right, ""):
        yield use._replace(spare=spare or use.spare)


def _selector(
    node: VectorSelector, wanted: frozenset[str], function: str, seconds: float
) -> Iterator[Use]:
    """Yield a use of the series, or of each that a matcher of names lists."""
    matchers = tuple(
        Matcher(m.name, SIGNS[str(m.op)], m.value) for m in node.matchers.matchers
    )
    labels = (wanted | {matcher.label for matcher in matchers}) - {_NAME}
    listed = (m.value.split("|") for m in matchers if m.label == _NAME)
    for name in [node.name] if node.name else next(listed, [""]):
        yield Use(name, matchers, labels, function, seconds)


def _grouped(node: AggregateExpr, wanted: frozenset[str]) -> frozenset[str]:
    """Return what an aggregation needs of what it aggregates."""
    by = frozenset(node.modifier.labels if node.modifier else ())
    if node.modifier and node.modifier.type == AggModifierType.Without:
        return wanted
    return by | wanted if str(node.op) in _KEEP_LABELS else by


def _called(node: Call, wanted: frozenset[str]) -> frozenset[str]:
    texts = [a.val for a in node.args if isinstance(a, StringLiteral)]
    if node.func.name == "label_replace":
        made, _, source, _ = texts
        return (wanted - {made}) | ({source} if source else _NONE)
    if node.func.name == "label_join":  # of labels that need not be there
        return wanted - {texts[0]}
    if node.func.name == "histogram_quantile":
        return wanted | {"le"}
    return wanted


def _joined(
    node: BinaryExpr, wanted: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return what a binary operation needs of its two sides."""
    modifier = node.modifier
    matching = modifier.matching if modifier else None
    if modifier is None or matching is None:
        return wanted, wanted
    if matching.type == LabelModifierType.Exclude:
        return wanted, wanted - set(matching.labels)
    on, more = frozenset(matching.labels), frozenset(modifier.group_labels or ())
    many, one = on | (wanted - more), on | more
    if modifier.card == VectorMatchCardinality.OneToMany:
        return one, many
    return many, one
